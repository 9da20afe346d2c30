using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>KTO's loss, its gradient and its metrics, against values by hand and finite differences.</summary>
public class KtoObjectiveTests
{
    // Three rows of 2, 1 and 3 scored tokens; two such slots make a step.
    private static readonly int[] Segments_R = [0, 0, 1, 2, 2, 2];
    private static readonly float[] LogProbabilities_R = [-1, -2, -4, -1, -1, -0.5f];
    private static readonly float[] Reference_S = [-3.5f, -3, -2.75f];
    private static readonly bool[] Desirable_S = [true, false, true];

    // By hand (arXiv 2402.01306, eq. 8): log-ratios 0.5, -1 and 0.25.
    [Theory]
    [InlineData(0.25, 0.1, 1, 1)]
    [InlineData(-2, 0.1, 1, 1)]
    [InlineData(0.75, 0.5, 1.5, 0.25)]
    public void The_loss_is_the_mean_of_what_each_label_asks_for(double divergence, double beta, double desirable, double undesirable)
    {
        var settings = new KtoRecipe { Beta = beta, DesirableWeight = desirable, UndesirableWeight = undesirable };
        var slot = Slot(divergence);
        var objective = Of(settings);
        var figures = objective.Figures(slot, LogProbabilities_R);
        var (loss, more) = objective.Summarize(1, [figures, figures]);
        var z = divergence < 0 ? 0 : divergence;
        double[] losses = [desirable * (1 - Logistic(beta * (0.5 - z))), undesirable * (1 - Logistic(beta * (z + 1))), desirable * (1 - Logistic(beta * (0.25 - z)))];
        Assert.Equal(losses.Sum() / 3, loss, 1e-12);
        Assert.Equal(losses, objective.ItemLosses(slot, LogProbabilities_R).Select(item => item.Loss).ToArray(), (one, other) => Math.Abs(one - other) < 1e-12);
        Assert.Equal(divergence, more["kl"]);
        Assert.Equal(beta * 0.375, more["rewards_desirable"], 1e-12);
        Assert.Equal(-beta, more["rewards_undesirable"], 1e-12);
        Assert.Equal(beta * 1.375, more["rewards_margin"], 1e-12);
        Assert.Equal((-2.75, -4.0, 4.0, 2.0), (more["logps_desirable"], more["logps_undesirable"], more["count_desirable"], more["count_undesirable"]));
    }

    [Property(MaxTest = 50)]
    public void Derivatives_are_those_of_the_loss_at_a_fixed_divergence(int seed)
    {
        var random = new Random(seed);
        double Draw(double from, double to) => from + (to - from) * random.NextDouble();
        var settings = new KtoRecipe { Beta = Draw(0.05, 2), DesirableWeight = Draw(0, 2), UndesirableWeight = Draw(0.1, 2) };
        var slot = Slot(Draw(-1, 3)) with { Reference_S = [(float)Draw(-6, 0), (float)Draw(-6, 0), (float)Draw(-6, 0)] };
        var objective = Of(settings);
        var coefficients_R = objective.Coefficients(slot, LogProbabilities_R);
        for (var row = 0; row < coefficients_R.Length; row++)
        {
            const float step = 1f / 512;
            Assert.Equal((Loss(row, step) - Loss(row, -step)) / (2 * step), coefficients_R[row], 2e-5);
        }

        // Of a step of two slots, of which the other stays as it is.
        double Loss(int row, float change)
        {
            var moved_R = LogProbabilities_R.ToArray();
            moved_R[row] += change;
            return objective.Summarize(1, [objective.Figures(slot, moved_R), objective.Figures(slot, LogProbabilities_R)]).Loss;
        }
    }

    [Fact]
    public void Desirable_answers_gain_and_undesirable_ones_lose()
    {
        var coefficients_R = Of(new KtoRecipe()).Coefficients(Slot(0.5), LogProbabilities_R);
        Assert.Equal([-1, -1, 1, -1, -1, -1], coefficients_R.Select(value => Math.Sign(value)));
        Assert.Equal(coefficients_R[0], coefficients_R[1]);
    }

    [Fact]
    public void A_step_with_one_label_has_no_means_of_the_other()
    {
        var slot = Slot(0) with { Desirable_S = [true, true, true] };
        var objective = Of(new KtoRecipe());
        var (_, more) = objective.Summarize(1, [objective.Figures(slot, LogProbabilities_R)]);
        Assert.Equal(["kl", "rewards_desirable", "logps_desirable", "count_desirable", "count_undesirable"], more.Select(value => value.Name));
        Assert.Equal(0, more["count_undesirable"]);
    }

    [Fact]
    public void The_divergence_is_the_mean_over_all_rows_of_the_step_and_is_the_same_however_they_are_cut()
    {
        double[] ratios = [0.25, -1, 3, 1e-9, 0.125, 7];
        var mean = Divergences.Mean([ratios]);
        Assert.Equal(ratios.Average(), mean, 1e-15);
        Assert.Equal(mean, Divergences.Mean([ratios[..1], ratios[1..4], ratios[4..]]));
        Assert.Equal(mean, Divergences.Mean(ratios.Chunk(2)));
    }

    [Fact]
    public void Slots_of_two_divergences_are_no_step()
    {
        var objective = Of(new KtoRecipe());
        Assert.Throws<InvalidOperationException>(() =>
            objective.Summarize(1, [objective.Figures(Slot(0.5), LogProbabilities_R), objective.Figures(Slot(0.25), LogProbabilities_R)]));
    }

    [Fact]
    public void A_divergence_that_is_no_number_shows_in_the_loss()
    {
        var objective = Of(new KtoRecipe());
        Assert.True(double.IsNaN(objective.Summarize(1, [objective.Figures(Slot(double.NaN), LogProbabilities_R)]).Loss));
    }

    [Theory]
    [InlineData("kto.beta", 0, 1, 1)]
    [InlineData("kto.desirable_weight", 0.1, -1, 1)]
    [InlineData("kto.undesirable_weight", 0.1, 1, double.NaN)]
    [InlineData("kto.desirable_weight", 0.1, 0, 0)]
    public void Settings_that_cannot_be_computed_with_are_refused_by_name(string key, double beta, double desirable, double undesirable)
    {
        var recipe = new Recipe { Objective = Objective.Kto, Kto = new() { Beta = beta, DesirableWeight = desirable, UndesirableWeight = undesirable } };
        Assert.Equal(key, Assert.Throws<BadInputException>(() => ObjectiveCatalog.Of(Objective.Kto).Create(recipe, new CountedPlan(1, [6]))).Where);
    }

    private static ScoredSlot Slot(double divergence) => new(1, 0, Segments_R, 3, Reference_S) { Desirable_S = Desirable_S, Divergence = divergence };

    private static KtoObjective Of(KtoRecipe settings) => new(settings, new CountedPlan(1, [6, 6], slotSequences: 3));

    private static double Logistic(double value) => 1 / (1 + Math.Exp(-value));
}

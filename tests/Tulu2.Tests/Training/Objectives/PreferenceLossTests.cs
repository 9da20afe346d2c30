using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>Known answers of docs/reference/tulu2.md, DPO.</summary>
public class PreferenceLossTests
{
    private const double LnTwo = 0.6931471805599453;
    private static readonly PairLogProbabilities First = new(-10, -12, -11, -11.5);
    private static readonly DpoRecipe Defaults = new();

    [Fact]
    public void The_known_pair_has_the_known_loss_gradient_and_rewards()
    {
        var outcome = Evaluate(First, Defaults);
        Assert.Equal(1.5, First.Margin);
        Assert.Equal(0.6209570478, outcome.Loss, 10);
        Assert.Equal(-0.0462570155, outcome.ByChosen, 10);
        Assert.Equal(0.0462570155, outcome.ByRejected, 10);
        Assert.Equal(0.1, outcome.RewardChosen, 12);
        Assert.Equal(-0.05, outcome.RewardRejected, 12);
    }

    [Fact]
    public void Label_smoothing_gives_the_known_loss() =>
        Assert.Equal(0.6359570478, Evaluate(First, new DpoRecipe { LabelSmoothing = 0.1 }).Loss, 10);

    [Fact]
    public void A_pair_that_the_policy_got_wrong_has_the_known_loss() =>
        Assert.Equal(1.3132616875, Evaluate(new PairLogProbabilities(-50, -40, -45, -45), Defaults).Loss, 10);

    [Fact]
    public void Ipo_gives_the_known_loss() =>
        Assert.Equal(12.25, Evaluate(First, new DpoRecipe { Loss = DpoLoss.Ipo }).Loss, 12);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(29)]
    [InlineData(32)]
    [InlineData(997)]
    public void A_policy_that_is_its_reference_loses_exactly_ln_2_over_any_number_of_pairs(int pairs)
    {
        foreach (var smoothing in new[] { 0, 0.1 })
        {
            var settings = new DpoRecipe { LabelSmoothing = smoothing };
            var totals = new PreferenceTotals();
            for (var pair = 0; pair < pairs; pair++) Add(totals, new PairLogProbabilities(-7.3f * pair, -3.1f * pair, -7.3f * pair, -3.1f * pair), settings);
            Assert.Equal(LnTwo, totals.Loss);
            // A tie is no win.
            Assert.Equal(0, totals.Metrics["rewards_accuracy"]);
            Assert.Equal(0, totals.Metrics["rewards_margin"]);
        }
    }

    [Property(MaxTest = 400)]
    public bool The_derivatives_of_every_loss_are_those_of_finite_differences(byte which, short a, short b, short c, short d, byte smoothing)
    {
        var loss = PreferenceLosses.All[which % PreferenceLosses.All.Count];
        var settings = new DpoRecipe { Loss = loss.Value, LabelSmoothing = loss.WhyNot("dpo.label_smoothing") is null ? smoothing / 600.0 : 0 };
        var pair = new PairLogProbabilities(LogProbability(a), LogProbability(b), LogProbability(c), LogProbability(d)) { ChosenTokens = 5, RejectedTokens = 7 };
        const double step = 1e-4;
        double Loss(double chosen, double rejected) =>
            Evaluate(pair with { PolicyChosen = pair.PolicyChosen + chosen, PolicyRejected = pair.PolicyRejected + rejected }, settings).Loss;
        // At its edge the hinge has no derivative.
        if (loss.Value == DpoLoss.Hinge && Loss(step, 0) == 0 != (Loss(-step, 0) == 0)) return true;
        var byChosen = (Loss(step, 0) - Loss(-step, 0)) / (2 * step);
        var byRejected = (Loss(0, step) - Loss(0, -step)) / (2 * step);
        var outcome = Evaluate(pair, settings);
        return Near(byChosen, outcome.ByChosen) && Near(byRejected, outcome.ByRejected);

        static double LogProbability(short drawn) => -0.1 - Math.Abs(drawn / 600.0);
    }

    [Theory]
    [InlineData(-800.0)]
    [InlineData(800.0)]
    public void Margins_far_out_neither_overflow_nor_vanish(double h)
    {
        Assert.Equal(Math.Max(h, 0), Logistic.SoftPlus(h), 12);
        Assert.InRange(Logistic.Of(h), 0, 1);
        Assert.True(Logistic.SoftPlus(-40) is > 4.24e-18 and < 4.25e-18);
    }

    [Fact]
    public void Means_are_over_pairs_and_accuracy_counts_pairs()
    {
        var totals = new PreferenceTotals();
        Add(totals, First, Defaults);
        Add(totals, new PairLogProbabilities(-50, -40, -45, -45), Defaults);
        var metrics = totals.Metrics;
        Assert.Equal((0.6209570478 + 1.3132616875) / 2, totals.Loss, 9);
        Assert.Equal((0.1 - 0.5) / 2, metrics["rewards_chosen"], 12);
        Assert.Equal((-0.05 + 0.5) / 2, metrics["rewards_rejected"], 12);
        Assert.Equal((0.15 - 1.0) / 2, metrics["rewards_margin"], 12);
        Assert.Equal(0.5, metrics["rewards_accuracy"]);
        Assert.Equal(-30, metrics["logps_chosen"]);
        Assert.Equal(-26, metrics["logps_rejected"]);
    }

    [Fact]
    public void Smoothing_with_ipo_is_refused_rather_than_ignored() => Assert.Equal("dpo.label_smoothing", Refusal(new DpoRecipe { Loss = DpoLoss.Ipo, LabelSmoothing = 0.1 }));

    [Fact]
    public void Settings_that_no_reader_has_checked_are_checked_when_the_objective_is_made()
    {
        Assert.Equal("dpo.beta", Refusal(new DpoRecipe { Beta = 0 }));
        Assert.Equal("dpo.beta", Refusal(new DpoRecipe { Beta = double.NaN }));
        Assert.Equal("dpo.label_smoothing", Refusal(new DpoRecipe { LabelSmoothing = 0.5 }));
        Assert.Equal("dpo.label_smoothing", Refusal(new DpoRecipe { LabelSmoothing = double.NaN }));
    }

    private static PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings) => PreferenceLosses.Of(settings.Loss).Evaluate(pair, settings);

    private static void Add(PreferenceTotals totals, PairLogProbabilities pair, DpoRecipe settings) => totals.Add(pair, Evaluate(pair, settings));

    private static string Refusal(DpoRecipe settings) => Assert.Throws<BadInputException>(
        () => ObjectiveCatalog.Of(Objective.Dpo).Create(new Recipe { Objective = Objective.Dpo, Dpo = settings }, new CountedPlan(1, [1]))).Where;

    private static bool Near(double difference, double derivative) => Math.Abs(difference - derivative) < 1e-6 * Math.Max(1, Math.Abs(derivative));
}

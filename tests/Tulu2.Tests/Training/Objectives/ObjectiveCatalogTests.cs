using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Recipes;
using Tulu2.Training.Steps;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>What holds for every objective and every preference loss, those added later included.</summary>
public class ObjectiveCatalogTests
{
    public static TheoryData<Objective> Objectives => new(Enum.GetValues<Objective>());

    [Fact]
    public void Every_value_of_the_recipe_has_one_descriptor()
    {
        Assert.Equal(Enum.GetValues<Objective>(), ObjectiveCatalog.All.Select(objective => objective.Value));
        Assert.Equal(Enum.GetValues<DpoLoss>(), PreferenceLosses.All.Select(loss => loss.Value));
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void A_descriptor_fits_the_recipe(Objective value)
    {
        var objective = ObjectiveCatalog.Of(value);
        Assert.Equal(RecipeValue.Name(value), objective.Name);
        Assert.True(objective.DefaultEpochs > 0);
        if (objective.Section is { } section) Assert.Contains(section, RecipeKey.Sections);
    }

    [Fact]
    public void Metrics_are_told_apart_by_name_and_by_line()
    {
        var metrics = ObjectiveCatalog.All.SelectMany(objective => objective.Metrics).Distinct().ToList();
        Assert.Equal(metrics.Count, metrics.Select(metric => metric.Name).Distinct().Count());
        Assert.Equal(metrics.Count, metrics.Select(metric => (metric.Chart.Id, metric.Line)).Distinct().Count());
        Assert.Equal(metrics.Select(metric => metric.Chart).Distinct().Count(), metrics.Select(metric => metric.Chart.Id).Distinct().Count());
        Assert.All(metrics, metric => Assert.Matches("^[a-z0-9]+(_[a-z0-9]+)*$", metric.Name));
        string[] ofEveryStep = ["step", "loss", "learning_rate", "grad_norm", "tokens", "loss_tokens", "seconds"];
        Assert.Empty(metrics.Select(metric => metric.Name).Intersect(ofEveryStep));
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void An_objective_gives_a_derivative_per_token_and_the_metrics_it_names(Objective value)
    {
        var descriptor = ObjectiveCatalog.Of(value);
        var recipe = new Recipe { Objective = value };
        // Two items of two scored tokens a sequence.
        var segments = 2 * descriptor.SequencesPerItem;
        int[] segments_R = [.. Enumerable.Range(0, segments).SelectMany(segment => new[] { segment, segment })];
        float[] logProbabilities_R = [.. segments_R.Select((_, row) => -1f - 0.25f * row)];
        var slot = new ScoredSlot(1, 0, segments_R, segments, descriptor.NeedsReference(recipe) ? [.. Enumerable.Repeat(-2.5f, segments)] : [])
        {
            Desirable_S = descriptor.HasMismatched ? [.. Enumerable.Range(0, segments).Select(segment => segment % 2 == 0)] : [],
            Divergence = 0.75,
        };
        var objective = descriptor.Create(recipe, new CountedPlan(1, [segments_R.Length], slotSequences: 2));

        var coefficients_R = objective.Coefficients(slot, descriptor.IsLinear ? [] : logProbabilities_R);
        var (loss, more) = objective.Summarize(1, [objective.Figures(slot, logProbabilities_R)]);

        Assert.Equal(descriptor.Metrics.Select(metric => metric.Name), more.Select(metric => metric.Name));
        Assert.Equal(segments_R.Length, coefficients_R.Length);
        Assert.All(more, metric => Assert.True(double.IsFinite(metric.Value), metric.Name));
        for (var row = 0; row < coefficients_R.Length; row++)
        {
            const float step = 1f / 1024;
            var byDifference = (LossWith(row, step) - LossWith(row, -step)) / (2 * step);
            Assert.Equal(byDifference, coefficients_R[row], 1e-5);
        }
        Assert.True(double.IsFinite(loss));

        double LossWith(int row, float change)
        {
            var moved_R = logProbabilities_R.ToArray();
            moved_R[row] += change;
            return objective.Summarize(1, [objective.Figures(slot, moved_R)]).Loss;
        }
    }

    [Fact]
    public void A_metric_of_another_version_is_called_by_its_key() =>
        Assert.Equal(new MetricDescriptor("later", "later", new MetricChart("later", "later"), "later"), ObjectiveCatalog.Metric("later"));

    [Fact]
    public void Of_values_that_are_not_finite_the_cause_comes_before_what_is_computed_from_it()
    {
        NamedValues broken = [.. PreferenceMetrics.All.Select(metric => new NamedValue(metric.Name, double.NaN))];
        Assert.Equal(
            [
                "loss", "gradient norm", "log-probability of chosen answers", "log-probability of rejected answers", "length of chosen answers", "length of rejected answers", "reward of chosen answers",
                "reward of rejected answers", "margin of rewards", "accuracy of rewards",
            ],
            StepFigures.Of(0, 1, broken).Select(figure => figure.Name));
        Assert.Equal(["loss", "gradient norm"], StepFigures.Of(0, 1, []).Select(figure => figure.Name));
    }
}

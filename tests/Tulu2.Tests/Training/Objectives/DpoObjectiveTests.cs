using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>Known answers of docs/reference/tulu2.md, DPO.</summary>
public class DpoObjectiveTests
{
    private const double LnTwo = 0.6931471805599453;
    private static readonly PairLogProbabilities First = new(-10, -12, -11, -11.5);
    private static readonly DpoObjective Sigmoid = new(new DpoRecipe());

    [Fact]
    public void The_known_pair_has_the_known_loss_gradient_and_rewards()
    {
        var outcome = Sigmoid.Evaluate(First);
        Assert.Equal(1.5, First.Margin);
        Assert.Equal(0.6209570478, outcome.Loss, 10);
        Assert.Equal(-0.0462570155, outcome.Gradient, 10);
        Assert.Equal(0.1, outcome.RewardChosen, 12);
        Assert.Equal(-0.05, outcome.RewardRejected, 12);
    }

    [Fact]
    public void Label_smoothing_gives_the_known_loss() =>
        Assert.Equal(0.6359570478, new DpoObjective(new DpoRecipe { LabelSmoothing = 0.1 }).Evaluate(First).Loss, 10);

    [Fact]
    public void A_pair_that_the_policy_got_wrong_has_the_known_loss() =>
        Assert.Equal(1.3132616875, Sigmoid.Evaluate(new PairLogProbabilities(-50, -40, -45, -45)).Loss, 10);

    [Fact]
    public void Ipo_gives_the_known_loss() =>
        Assert.Equal(12.25, new DpoObjective(new DpoRecipe { Loss = DpoLoss.Ipo }).Evaluate(First).Loss, 12);

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
            var totals = new PreferenceTotals(new DpoObjective(new DpoRecipe { LabelSmoothing = smoothing }));
            for (var pair = 0; pair < pairs; pair++) totals.Add(new PairLogProbabilities(-7.3f * pair, -3.1f * pair, -7.3f * pair, -3.1f * pair));
            Assert.Equal(LnTwo, totals.Loss);
            // A tie is no win.
            Assert.Equal(0, totals.Metrics.RewardsAccuracy);
            Assert.Equal(0, totals.Metrics.RewardsMargin);
        }
    }

    [Property(MaxTest = 200)]
    public bool The_gradient_is_that_of_finite_differences(short a, short b, short c, short d, bool ipo, byte smoothing)
    {
        var recipe = ipo ? new DpoRecipe { Loss = DpoLoss.Ipo } : new DpoRecipe { LabelSmoothing = smoothing / 600.0 };
        var objective = new DpoObjective(recipe);
        var pair = new PairLogProbabilities(a / 600.0, b / 600.0, c / 600.0, d / 600.0);
        const double step = 1e-4;
        double Loss(double chosen, double rejected) =>
            objective.Evaluate(pair with { PolicyChosen = pair.PolicyChosen + chosen, PolicyRejected = pair.PolicyRejected + rejected }).Loss;
        var byChosen = (Loss(step, 0) - Loss(-step, 0)) / (2 * step);
        var byRejected = (Loss(0, step) - Loss(0, -step)) / (2 * step);
        var gradient = objective.Evaluate(pair).Gradient;
        var tolerance = 1e-6 * Math.Max(1, Math.Abs(gradient));
        return Math.Abs(byChosen - gradient) < tolerance && Math.Abs(byRejected + gradient) < tolerance;
    }

    [Theory]
    [InlineData(-800.0)]
    [InlineData(800.0)]
    public void Margins_far_out_neither_overflow_nor_vanish(double h)
    {
        Assert.Equal(Math.Max(h, 0), DpoObjective.SoftPlus(h), 12);
        Assert.InRange(DpoObjective.Logistic(h), 0, 1);
        Assert.True(DpoObjective.SoftPlus(-40) is > 4.24e-18 and < 4.25e-18);
    }

    [Fact]
    public void Means_are_over_pairs_and_accuracy_counts_pairs()
    {
        var totals = new PreferenceTotals(Sigmoid);
        totals.Add(First);
        totals.Add(new PairLogProbabilities(-50, -40, -45, -45));
        var metrics = totals.Metrics;
        Assert.Equal((0.6209570478 + 1.3132616875) / 2, totals.Loss, 9);
        Assert.Equal((0.1 - 0.5) / 2, metrics.RewardsChosen, 12);
        Assert.Equal((-0.05 + 0.5) / 2, metrics.RewardsRejected, 12);
        Assert.Equal((0.15 - 1.0) / 2, metrics.RewardsMargin, 12);
        Assert.Equal(0.5, metrics.RewardsAccuracy);
        Assert.Equal(-30, metrics.LogpsChosen);
        Assert.Equal(-26, metrics.LogpsRejected);
    }

    [Fact]
    public void Smoothing_with_ipo_is_refused_rather_than_ignored() =>
        Assert.Equal("dpo.label_smoothing", Assert.Throws<BadInputException>(() => new DpoObjective(new DpoRecipe { Loss = DpoLoss.Ipo, LabelSmoothing = 0.1 })).Where);
}

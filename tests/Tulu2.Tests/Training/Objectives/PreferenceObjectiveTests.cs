using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>From the tokens of a slot to pairs and back.</summary>
public class PreferenceObjectiveTests
{
    // Two pairs: 2 + 1 and 1 + 3 scored tokens. Two slots of two pairs make a step.
    private static readonly int[] Segments_R = [0, 0, 1, 2, 3, 3, 3];
    private static readonly float[] LogProbabilities_R = [-1, -2, -4, -3, -1, -1, -0.5f];

    [Fact]
    public void Each_token_has_the_derivative_of_its_side_over_the_pairs_of_the_step()
    {
        var loss = new Probe();
        var slot = new ScoredSlot(1, 0, Segments_R, 4, [-3.5f, -4.5f, -3, -2]);
        var coefficients_R = Of(loss).Coefficients(slot, LogProbabilities_R);
        Assert.Equal([0.25f, 0.25f, -0.5f, 0.25f, -0.5f, -0.5f, -0.5f], coefficients_R);
        Assert.Equal(
            [
                new PairLogProbabilities(-3, -4, -3.5, -4.5) { ChosenTokens = 2, RejectedTokens = 1 },
                new PairLogProbabilities(-3, -2.5, -3, -2) { ChosenTokens = 1, RejectedTokens = 3 },
            ],
            loss.Seen);
    }

    [Fact]
    public void A_step_is_summed_up_from_the_same_pairs_that_its_derivatives_were_made_of()
    {
        var loss = new Probe();
        var slot = new ScoredSlot(1, 1, Segments_R, 4, []);
        var objective = Of(loss);
        objective.Coefficients(slot, LogProbabilities_R);
        var seen = loss.Seen.ToList();
        loss.Seen.Clear();
        var (mean, more) = objective.Summarize(1, [objective.Figures(slot, LogProbabilities_R)]);
        Assert.Equal(seen, loss.Seen);
        Assert.Equal(0, seen[0].ReferenceChosen);
        Assert.Equal(7, mean);
        Assert.Equal(-3, more["logps_chosen"]);
    }

    [Fact]
    public void An_objective_that_needs_a_reference_is_not_made_without_one()
    {
        var plan = new CountedPlan(1, [7, 7], slotSequences: 2);
        Assert.Throws<ArgumentException>(() => SlotObjective.Of(new Recipe { Objective = Objective.Dpo }, plan, references: null));
        Assert.NotNull(SlotObjective.Of(new Recipe { Objective = Objective.Sft }, plan, references: null));
    }

    private static PreferenceObjective Of(PreferenceLoss loss) => new(loss, new DpoRecipe(), new CountedPlan(1, [7, 7], slotSequences: 2));

    /// <summary>Keeps the pairs that it is given; its two derivatives differ in size.</summary>
    private sealed class Probe : PreferenceLoss
    {
        public List<PairLogProbabilities> Seen { get; } = [];

        public override DpoLoss Value => DpoLoss.Sigmoid;

        public override PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings)
        {
            Seen.Add(pair);
            return new PairOutcome(7, 1, -2, 0, 0);
        }
    }
}

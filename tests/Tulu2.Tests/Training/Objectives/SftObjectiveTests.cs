using Tulu2.Files;
using Tulu2.Training.Objectives;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

public class SftObjectiveTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(1, 16).Select(slot => 3 * slot)];

    [Fact]
    public void Every_token_of_a_step_weighs_the_same_by_default()
    {
        var objective = new SftObjective(LossReduction.TokenMean, new CountedPlan(1, Tokens), 4);
        Assert.All(Enumerable.Range(0, 16), slot => Assert.Equal(1.0 / Tokens.Sum(), objective.Weight(1, slot)));
    }

    [Fact]
    public void Paper_tpu_averages_over_groups_of_32_sequences()
    {
        var objective = new SftObjective(LossReduction.GroupMean, new CountedPlan(1, Tokens), 4);
        Assert.Equal(1.0 / (Tokens[..8].Sum() * 2.0), objective.Weight(1, 7));
        Assert.Equal(1.0 / (Tokens[8..].Sum() * 2.0), objective.Weight(1, 8));
    }

    [Fact]
    public void Open_instruct_averages_over_slots()
    {
        var objective = new SftObjective(LossReduction.SlotMean, new CountedPlan(1, Tokens), 4);
        Assert.Equal(1.0 / (Tokens[5] * 16.0), objective.Weight(1, 5));
    }

    [Theory]
    [InlineData(LossReduction.TokenMean)]
    [InlineData(LossReduction.GroupMean)]
    [InlineData(LossReduction.SlotMean)]
    public void Weights_times_tokens_add_up_to_one(object reduction)
    {
        var objective = new SftObjective((LossReduction)reduction, new CountedPlan(1, Tokens), 4);
        Assert.Equal(1, Enumerable.Range(0, 16).Sum(slot => objective.Weight(1, slot) * Tokens[slot]), 12);
    }

    [Fact]
    public void A_slot_with_nothing_to_learn_divides_by_nothing() =>
        Assert.Equal(0, new SftObjective(LossReduction.SlotMean, new CountedPlan(1, [0, 5]), 4).Weight(1, 0));

    [Fact]
    public void A_slots_loss_is_its_token_losses_times_their_weight()
    {
        var objective = new SftObjective(LossReduction.SlotMean, new CountedPlan(1, [2, 5]), 4);
        var slot = new ScoredSlot(1, 0, [0, 1], 4, []);
        Assert.Equal([-0.25f, -0.25f], objective.Coefficients(slot, []));
        Assert.Equal([3.5], objective.Figures(slot, [-1, -2.5f]));
        var (loss, more) = objective.Summarize(1, [[3.5], [10]]);
        Assert.Equal(3.5 / 4 + 10.0 / 10, loss, 12);
        Assert.Empty(more);
        Assert.Empty(objective.Coefficients(new ScoredSlot(1, 0, [], 4, []), []));
    }

    [Theory]
    [InlineData(128, 5, "batch.slot")]
    [InlineData(48, 4, "batch.global")]
    public void Groups_that_are_not_made_of_whole_slots_are_refused(int global, int slot, string key) =>
        Assert.Equal(key, Assert.Throws<BadInputException>(() => SftObjective.SlotsPerGroup(global, slot)).Where);

    [Fact]
    public void A_global_batch_below_32_is_one_group() => Assert.Equal(4, SftObjective.SlotsPerGroup(16, 4));
}

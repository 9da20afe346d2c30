using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Xunit;

namespace Tulu2.Tests.Protocol.Placement;

/// <summary>Which machine has less memory than its ranks take.</summary>
public sealed class MemoryNeedTests
{
    // Ranks of 10, 10, 20 and 20 bytes; a spare of 3 on each node, 2 for a machine.
    private static readonly MemoryNeed Need = new([10, 10, 20, 20], OfNode: 3, OfMachine: 2);

    [Fact]
    public void Each_machine_has_to_hold_its_own_ranks_its_spares_and_the_program()
    {
        Assert.Null(Need.Shortage([Room("a", 25, "one", 0, 1), Room("b", 45, "two", 2, 3)]));
        var shortage = Need.Shortage([Room("a", 25, "one", 0, 1), Room("b", 44, "two", 2, 3)])!;
        Assert.Equal("b", Assert.Single(shortage.Nodes));
        Assert.Equal((45, 44), (shortage.Needed, shortage.Bytes));
        Assert.Equal("2 3", string.Join(' ', shortage.Ranks));
    }

    [Fact]
    public void Nodes_of_one_machine_are_added_together()
    {
        Assert.Null(Need.Shortage([Room("a", 68, "one", 0, 1), Room("b", 68, "one", 2, 3)]));
        var shortage = Need.Shortage([Room("a", 67, "one", 0, 1), Room("b", 67, "one", 2, 3)])!;
        Assert.Equal("a b", string.Join(' ', shortage.Nodes));
        Assert.Equal(68, shortage.Needed);
    }

    [Fact]
    public void A_node_without_ranks_or_with_unknown_memory_is_short_of_none() =>
        Assert.Null(Need.Shortage([Room("a", 1, "one"), Room("b", 0, "", 0, 1, 2, 3)]));

    [Fact]
    public void The_most_that_some_ranks_take_is_that_of_the_largest() => Assert.Equal(20 + 20 + 10 + 2 * 3 + 2, Need.Most(3, nodes: 2));

    private static NodeRoom Room(string node, long bytes, string name, params int[] ranks) =>
        new(node, new MachineMemory(bytes, name), [.. ranks.Select(rank => new Rank(rank))]);
}

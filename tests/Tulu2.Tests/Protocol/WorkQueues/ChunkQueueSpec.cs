using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;
using Xunit;

namespace Tulu2.Tests.Protocol.WorkQueues;

public sealed class ChunkQueueSpec
{
    private static readonly ParallelLayout Layout = new(2, tensor: 2);

    [Fact]
    public void All_ranks_of_a_replica_get_its_chunks_and_each_replica_has_two()
    {
        var (queue, assigned) = ChunkQueue.Of(chunks: 5).Begin(Roster.Whole(Layout));
        Assert.Equal([(0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (3, 2), (2, 3), (3, 3)], assigned.Select(each => (each.Rank.Value, each.Chunk)));

        (queue, var accepted, assigned) = queue.Scored(new Rank(1), chunk: 0);
        Assert.True(accepted);
        Assert.Equal([(0, 4), (1, 4)], assigned.Select(each => (each.Rank.Value, each.Chunk)));
        Assert.Equal((1, 5, false), (queue.Done, queue.Total, queue.IsComplete));
    }

    [Fact]
    public void A_new_generation_gets_what_was_not_answered_and_a_late_answer_counts_once()
    {
        var (queue, _) = ChunkQueue.Of(chunks: 3, isDone: chunk => chunk == 0).Begin(Roster.Whole(Layout));
        (queue, var assigned) = queue.Begin(Roster.Whole(Layout));
        Assert.Equal([1, 2], assigned.Select(each => each.Chunk).Distinct().Order());

        (queue, var first, _) = queue.Scored(new Rank(3), chunk: 2);
        (queue, var second, _) = queue.Scored(new Rank(0), chunk: 2);
        Assert.Equal((true, false), (first, second));
        (queue, _, assigned) = queue.Scored(new Rank(0), chunk: 1);
        Assert.True(queue.IsComplete);
        Assert.Empty(assigned);
    }

    [Fact]
    public void Those_that_take_part_no_more_get_nothing_and_what_they_answer_counts()
    {
        var (queue, _) = ChunkQueue.Of(chunks: 4).Begin(Roster.Whole(Layout));
        (queue, var assigned) = queue.Begin(new Roster(Layout, [new Rank(2), new Rank(3)]));
        Assert.Equal([(2, 0), (3, 0), (2, 1), (3, 1)], assigned.Select(each => (each.Rank.Value, each.Chunk)));

        (queue, var accepted, assigned) = queue.Scored(new Rank(0), chunk: 3);
        Assert.True(accepted);
        Assert.Empty(assigned);
        (_, _, assigned) = queue.Scored(new Rank(2), chunk: 0);
        Assert.Equal([(2, 2), (3, 2)], assigned.Select(each => (each.Rank.Value, each.Chunk)));
    }
}

using FsCheck.Xunit;
using Tulu2.Data.Slots;
using Xunit;

namespace Tulu2.Tests.Data.Slots;

public sealed class SlotBatchTests
{
    [Fact]
    public void Packing_lays_sequences_end_to_end_with_positions_that_restart()
    {
        var batch = Plan(new TableSource((3, 1), (14, 13)), packing: true).Read(1, 0);
        Assert.Equal([0, 1, 2, .. Enumerable.Range(1000, 14)], batch.Ids);
        Assert.Equal([0, 1, 2, .. Enumerable.Range(0, 14)], batch.Positions);
        Assert.Equal([3, 14], batch.SegmentLengths);
        Assert.Equal([0, 1, 15], batch.ScoredRows);
        Assert.Equal([1, 2, 1013], batch.Targets);
        Assert.Equal([0, 0, 1], batch.ScoredSegments);
        Assert.Equal([0, 1], batch.Sequences);
        Assert.Equal(17, batch.Tokens);
    }

    [Fact]
    public void Without_packing_rows_are_ordered_by_length_and_padded_to_the_slots_longest()
    {
        var batch = Plan(new TableSource((12, 10), (9, 8)), packing: false).Read(1, 0);
        Assert.Equal([1, 0], batch.Sequences);
        Assert.Equal([12, 12], batch.SegmentLengths);
        Assert.Equal([.. Enumerable.Range(1000, 9), 0, 0, 0, .. Enumerable.Range(0, 12)], batch.Ids);
        Assert.Equal([7, 21, 22], batch.ScoredRows);
        Assert.Equal([1008, 10, 11], batch.Targets);
        Assert.Equal(21, batch.Tokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_batch_shorter_than_sixteen_rows_gets_an_unscored_segment(bool packing)
    {
        var batch = Plan(new TableSource((3, 1), (3, 2)), packing).Read(1, 0);
        Assert.Equal(16, batch.Ids.Length);
        Assert.Equal([3, 3, 10], batch.SegmentLengths);
        Assert.Equal(6, batch.Tokens);
        Assert.Equal(3, batch.Targets.Length);
        Assert.DoesNotContain(2, batch.ScoredSegments);
    }

    [Fact]
    public void Pairs_stand_as_chosen_and_rejected_segments()
    {
        var source = new TableSource((10, 8), (12, 9), (7, 6), (8, 5));
        var plan = new BatchPlan(source, new(2, 2, Shuffle: false, Preferences: true, Steps: 1));
        var batch = plan.Read(1, 0);
        Assert.Equal([10, 12, 7, 8], batch.SegmentLengths);
        Assert.Equal([0, 0, 1, 1, 1, 2, 3, 3, 3], batch.ScoredSegments);
        Assert.Equal([0, 1], batch.Sequences);
        Assert.Equal(9, plan.LossTokens(1));
        var second = plan.ReadPairs(3, [1]);
        Assert.Equal([2000, 3000], new[] { second.Ids[0], second.Ids[7] });
        Assert.Equal([1], second.Sequences);
        Assert.Equal((0, 3), (second.Step, second.Slot));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.ReadPairs(0, []));
    }

    [Property(MaxTest = 50)]
    public void Every_scored_row_predicts_the_next_token_of_its_own_segment(bool packing, bool preferences, int seed)
    {
        var plan = new BatchPlan(TableSource.OfCount(80), new(8, 4, packing, Seed: seed, Preferences: preferences, Steps: 3));
        var batch = plan.Read(2, 1);
        var starts = batch.SegmentLengths.Aggregate(new List<int> { 0 }, (list, length) => [.. list, list[^1] + length]);
        Assert.Equal(batch.Ids.Length, starts[^1]);
        for (var index = 0; index < batch.ScoredRows.Length; index++)
        {
            var (row, segment) = (batch.ScoredRows[index], batch.ScoredSegments[index]);
            Assert.InRange(row + 1, starts[segment] + 1, starts[segment + 1] - 1);
            Assert.Equal(batch.Ids[row + 1], batch.Targets[index]);
            Assert.Equal(row - starts[segment], batch.Positions[row]);
        }
        Assert.Equal(batch.ScoredRows.Order(), batch.ScoredRows);
    }

    [Fact]
    public void What_a_pair_begins_with_alike_stands_once_and_its_last_row_is_scored_for_both_sides()
    {
        var source = new DrawnPairs(90, [(3, 2, 4), (5, 3, 1)]);
        var batch = source.Batch(DrawnPairs.All);
        Assert.Equal([5, 4, 8, 1], batch.SegmentLengths);
        Assert.Equal([0, 3, 0, 5], batch.Prefixes);
        Assert.Equal([.. source.Ids(0), .. source.Ids(1)[3..], .. source.Ids(2), source.Ids(3)[5]], batch.Ids);
        Assert.Equal([0, 1, 2, 3, 4, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 7, 5], batch.Positions);
        Assert.Equal([2, 3, 2, 5, 6, 7, 13, 14, 15, 13], batch.ScoredRows);
        Assert.Equal([0, 0, 1, 1, 1, 1, 2, 2, 2, 3], batch.ScoredSegments);
        Assert.Equal(26, batch.Tokens);
    }

    [Property(MaxTest = 100)]
    public void Shared_or_not_a_slot_has_the_same_sequences_and_scores_the_same_tokens(bool packing, int seed, byte before)
    {
        var random = new Random(seed);
        var source = new DrawnPairs(90, [.. Enumerable.Range(0, 5).Select(_ => (random.Next(12), 1 + random.Next(9), random.Next(9)))], seed, before % 6);
        var (shared, plain) = (source.Batch(DrawnPairs.All, packing), source.Batch(null, packing));
        Assert.Equal((plain.Tokens, plain.Targets.Length), (shared.Tokens, shared.Targets.Length));
        Assert.Equal(plain.Targets, shared.Targets);
        Assert.Equal(plain.ScoredSegments, shared.ScoredSegments);
        Assert.Equal(shared.Ids.Length, shared.SegmentLengths.Sum());
        Assert.Equal(Math.Max(16, plain.SegmentLengths.Take(10).Sum() - shared.Prefixes.Sum()), shared.Ids.Length);
        var starts = shared.SegmentLengths.Aggregate(new List<int> { 0 }, (list, length) => [.. list, list[^1] + length]);
        int[][] rows = [.. Enumerable.Range(0, 10).Select(segment => new[]
        {
            Enumerable.Range(segment == 0 ? 0 : starts[segment - 1], shared.Prefixes[segment]),
            Enumerable.Range(starts[segment], shared.SegmentLengths[segment]),
        }.SelectMany(part => part).ToArray())];
        for (var segment = 0; segment < 10; segment++)
        {
            var sequence = 2 * shared.Sequences[segment / 2] + segment % 2;
            Assert.Equal(source.Ids(sequence).ToArray(), rows[segment].Take(source.Length(sequence)).Select(row => shared.Ids[row]));
            Assert.Equal(Enumerable.Range(0, rows[segment].Length), rows[segment].Select(row => shared.Positions[row]));
        }
        for (var index = 0; index < shared.ScoredRows.Length; index++)
        {
            var (position, segment) = (plain.Positions[plain.ScoredRows[index]], shared.ScoredSegments[index]);
            Assert.Equal(rows[segment][position], shared.ScoredRows[index]);
        }
    }

    [Fact]
    public void How_a_pair_is_cut_depends_on_the_pair_alone()
    {
        var (one, two) = (new DrawnPairs(90, [(9, 8, 4)]).Batch(DrawnPairs.All), new DrawnPairs(90, [(9, 8, 4), (3, 7, 30)]).Batch(DrawnPairs.All));
        Assert.Equal(one.Ids, two.Ids.Take(21));
        Assert.Equal(one.Prefixes, two.Prefixes.Take(2));
        Assert.Equal(one.ScoredRows, two.ScoredRows.Take(one.ScoredRows.Length));
    }

    private static BatchPlan Plan(TableSource source, bool packing) =>
        new(source, new(source.Sequences, source.Sequences, packing, Shuffle: false, Steps: 1));
}

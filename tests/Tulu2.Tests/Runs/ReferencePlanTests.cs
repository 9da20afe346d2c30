using FsCheck.Xunit;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Runs.Preparation;
using Tulu2.Tests.Data.Slots;
using Tulu2.Training.Reference;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>The reference pass scores the pairs that the run takes, each once, whatever other runs have put into the cache.</summary>
public sealed class ReferencePlanTests : IDisposable
{
    private const int Pairs = 23;

    private readonly string _directory = Directory.CreateTempSubdirectory("tulu2-pass-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Only_pairs_of_the_runs_steps_are_scored()
    {
        var batches = Batches(steps: 2);
        var plan = Plan(batches);
        var scored = Enumerable.Range(0, plan.Chunks).SelectMany(chunk => plan.Read(chunk).Sequences).ToList();
        Assert.Equal(Taken(batches), scored.Order());
        Assert.Equal(8, plan.Pairs);
        Assert.Equal([2, 2, 2, 2], Enumerable.Range(0, plan.Chunks).Select(chunk => plan.Read(chunk).Sequences.Length));
    }

    [Fact]
    public void Padded_chunks_are_the_same_for_every_run_whatever_pairs_it_takes()
    {
        var (few, all) = (Plan(Batches(steps: 1), packed: false), Plan(Batches(steps: 40), packed: false));
        var chunks = Enumerable.Range(0, all.Chunks).Select(chunk => all.Read(chunk).Sequences).ToList();
        Assert.Equal(Enumerable.Range(0, Pairs), chunks.SelectMany(chunk => chunk));
        Assert.InRange(few.Chunks, 2, 4);
        for (var chunk = 0; chunk < few.Chunks; chunk++) Assert.Contains(few.Read(chunk).Sequences, chunks);
        Assert.Subset(Enumerable.Range(0, few.Chunks).SelectMany(chunk => few.Read(chunk).Sequences).ToHashSet(), Taken(Batches(steps: 1)).ToHashSet());
    }

    [Fact]
    public void A_later_run_that_takes_more_pairs_scores_the_rest_and_keeps_what_was_there()
    {
        Assert.Equal(8, Score(Plan(Batches(steps: 2))));
        var more = Plan(Batches(steps: 6));
        Assert.Equal(8, more.CachedPairs);
        Assert.Equal(more.Pairs - 8, Score(more));
        AssertValues(more.Values, Taken(Batches(steps: 6)));
        // The shorter run finds all of its own.
        var again = Plan(Batches(steps: 2));
        Assert.Equal((again.Pairs, true), (again.CachedPairs, Enumerable.Range(0, again.Chunks).All(again.IsDone)));
        AssertValues(again.File.Open(), Taken(Batches(steps: 6)));
    }

    [Fact]
    public void Chunks_have_the_same_numbers_on_a_node_that_sees_another_cache()
    {
        var before = Plan(Batches(steps: 6));
        Score(Plan(Batches(steps: 2)));
        var after = Plan(Batches(steps: 6));
        for (var chunk = 0; chunk < before.Chunks; chunk++) Assert.Equal(before.Read(chunk).Sequences, after.Read(chunk).Sequences);
        // One that was prepared before still adds to what has come since.
        Score(before);
        AssertValues(before.Values, Taken(Batches(steps: 6)).Union(Taken(Batches(steps: 2))));
    }

    [Fact]
    public void A_value_that_is_no_number_ends_the_pass_with_the_pair_s_place()
    {
        var plan = Plan(Batches(steps: 2));
        var pair = plan.Read(1).Sequences[1];
        var broken = Assert.Throws<NonFiniteException>(() => plan.Store(1, [-1, -2, -1, float.NegativeInfinity]));
        Assert.Equal(($"pairs.jsonl:{pair}", "the log-probability of its rejected answer under the initial weights is -Infinity"), (broken.Where, broken.What));
        Assert.Throws<NonFiniteException>(() => plan.Store(0, [float.NaN, -2, -1, -2]));
        Assert.Throws<InvalidOperationException>(() => plan.Values);
        Assert.Equal(0, Plan(Batches(steps: 2)).CachedPairs);
    }

    [Property(MaxTest = 40)]
    public void The_pairs_a_run_takes_are_those_of_its_steps(int seed, bool shuffle, byte steps)
    {
        var batches = new BatchPlan(TableSource.OfCount(2 * Pairs), new(4, 2, Shuffle: shuffle, Seed: seed, Preferences: true, Steps: 1 + steps % 40));
        Assert.Equal(Taken(batches), batches.UsedItems().Order());
    }

    private static BatchPlan Batches(int steps) => new(TableSource.OfCount(2 * Pairs), new(4, 2, Preferences: true, Steps: steps));

    private ReferencePlan Plan(BatchPlan batches, bool packed = true) => new(batches, pair => $"pairs.jsonl:{pair}", 2, packed, _directory, new string('k', 64));

    private static IEnumerable<int> Taken(BatchPlan batches) => Enumerable.Range(1, batches.TotalSteps)
        .SelectMany(step => Enumerable.Range(0, batches.SlotsPerStep).SelectMany(slot => batches.Sequences(step, slot).ToArray()))
        .Distinct().Order();

    // A pair's number and its half stand for the log-probabilities.
    private static int Score(ReferencePlan plan)
    {
        var due = Enumerable.Range(0, plan.Chunks).Where(chunk => !plan.IsDone(chunk)).ToList();
        foreach (var chunk in due) plan.Store(chunk, [.. plan.Read(chunk).Sequences.SelectMany(pair => new[] { -1f - pair, -0.5f - pair })]);
        plan.Complete();
        return due.Sum(chunk => plan.Read(chunk).Sequences.Length);
    }

    private static void AssertValues(ReferenceLogProbabilities values, IEnumerable<int> pairs)
    {
        var scored = pairs.ToHashSet();
        for (var pair = 0; pair < Pairs; pair++)
        {
            Assert.Equal(scored.Contains(pair), values.Has(pair));
            if (scored.Contains(pair)) Assert.Equal((-1f - pair, -0.5f - pair), values[pair]);
        }
    }
}

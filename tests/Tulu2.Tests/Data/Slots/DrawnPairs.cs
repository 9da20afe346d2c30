using Tulu2.Data.Chat;
using Tulu2.Data.Slots;

namespace Tulu2.Tests.Data.Slots;

/// <summary>Preference pairs of random tokens: the sides of each begin alike for so many tokens and no more.</summary>
internal sealed class DrawnPairs : ITokenSource
{
    private readonly int[][] _ids;
    private readonly LossSpan[][] _spans;

    /// <param name="pairs">Tokens that both sides begin with, and those that each has after them.</param>
    /// <param name="scoredBefore">How many of the tokens in common are scored too: the last ones.</param>
    public DrawnPairs(int vocabulary, (int Common, int Chosen, int Rejected)[] pairs, int seed = 7, int scoredBefore = 0)
    {
        var random = new Random(seed);
        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
        _ids = new int[2 * pairs.Length][];
        _spans = new LossSpan[2 * pairs.Length][];
        foreach (var (pair, (common, chosen, rejected)) in pairs.Index())
        {
            var (begin, one, other) = (Draw(common), Draw(chosen), Draw(rejected));
            if (chosen > 0 && rejected > 0 && one[0] == other[0]) other[0] = (one[0] + 1) % vocabulary;
            (_ids[2 * pair], _ids[2 * pair + 1]) = ([.. begin, .. one], [.. begin, .. other]);
            foreach (var side in new[] { 2 * pair, 2 * pair + 1 })
            {
                var first = Math.Max(1, common - scoredBefore);
                _spans[side] = first < _ids[side].Length ? [new LossSpan(first, _ids[side].Length)] : [];
            }
        }
    }

    /// <summary>Drawn lengths: a pair's sides have at least one token in common, and at least one each of their own.</summary>
    public static DrawnPairs OfCount(int count, int vocabulary, int longest, int seed = 7, int scoredBefore = 0)
    {
        var random = new Random(seed);
        int Draw() => random.Next(1, Math.Max(2, longest / 2));
        return new(vocabulary, [.. Enumerable.Range(0, count).Select(_ => (Draw(), Draw(), Draw()))], seed, scoredBefore);
    }

    public int Sequences => _ids.Length;

    public int Length(int sequence) => _ids[sequence].Length;

    public int LossTokens(int sequence) => _spans[sequence].Sum(span => span.End - span.Begin);

    public ReadOnlySpan<int> Ids(int sequence) => _ids[sequence];

    public ReadOnlySpan<LossSpan> Spans(int sequence) => _spans[sequence];

    /// <summary>All pairs as one slot.</summary>
    public SlotBatch Batch(SharingRule? shared, bool packing = true)
    {
        var pairs = Sequences / 2;
        return new BatchPlan(this, new(pairs, pairs, packing, Shuffle: false, Preferences: true, Steps: 1) { Shared = shared }).Read(1, 0);
    }

    /// <summary>The rule that shares everything.</summary>
    public static int All(int common, int one, int other) => common;

    /// <summary>Changes one token.</summary>
    public void Change(int sequence, int position, int id) => _ids[sequence][position] = id;
}

using Tulu2.Data.Chat;
using Tulu2.Data.Slots;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Random sequences of unequal lengths, the latter part of each scored.</summary>
internal sealed class DrawnSequences : ITokenSource
{
    private readonly int[][] _ids;
    private readonly LossSpan[][] _spans;

    public DrawnSequences(int count, int vocabulary, int seed = 7, int shortest = 6, int longest = 40)
    {
        var random = new Random(seed);
        _ids = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, random.Next(shortest, longest)).Select(_ => random.Next(vocabulary)).ToArray())];
        _spans = [.. _ids.Select(ids => new[] { new LossSpan(random.Next(1, ids.Length), ids.Length) })];
    }

    /// <param name="rows">Ids, and labels at the tokens' own positions (-100: no loss).</param>
    public DrawnSequences(IReadOnlyList<(int[] Ids, int[] Labels)> rows)
    {
        _ids = [.. rows.Select(row => row.Ids)];
        _spans = [.. rows.Select(row => Enumerable.Range(1, row.Ids.Length - 1).Where(at => row.Labels[at] != -100).Select(at => new LossSpan(at, at + 1)).ToArray())];
    }

    /// <summary>Two of three.</summary>
    public bool Desirable(int item) => item % 3 != 1;

    public int Sequences => _ids.Length;
    public int Length(int sequence) => _ids[sequence].Length;
    public int LossTokens(int sequence) => _spans[sequence].Sum(span => span.End - span.Begin);
    public ReadOnlySpan<int> Ids(int sequence) => _ids[sequence];
    public ReadOnlySpan<LossSpan> Spans(int sequence) => _spans[sequence];
}

using Tulu2.Models.HuggingFace;
using Xunit;

namespace Tulu2.Tests.Models.HuggingFace;

/// <summary>The rotary order of docs/reference/tulu2.md, tensor names.</summary>
public class RotaryOrderTests
{
    private const int Heads = 3, HeadSize = 8, Columns = 5;

    [Fact]
    public void Permuting_there_and_back_changes_nothing()
    {
        var rows = Random(1);
        var there = rows.ToArray();
        RotaryOrder.InterleavedToHalves(there, Heads, HeadSize, Columns);
        Assert.NotEqual(rows, there);
        // Rows 0, 2, 4, 6 of a head come first.
        Assert.Equal(rows.AsSpan(2 * Columns, Columns).ToArray(), there.AsSpan(1 * Columns, Columns).ToArray());
        Assert.Equal(rows.AsSpan(1 * Columns, Columns).ToArray(), there.AsSpan(4 * Columns, Columns).ToArray());
        RotaryOrder.HalvesToInterleaved(there, Heads, HeadSize, Columns);
        Assert.Equal(rows, there);
    }

    [Fact]
    public void A_heads_scores_agree_in_both_orders()
    {
        float[] query = Random(2), key = Random(3), x = Random(4), y = Random(5);
        float[] queryHalves = [.. query], keyHalves = [.. key];
        RotaryOrder.InterleavedToHalves(queryHalves, Heads, HeadSize, Columns);
        RotaryOrder.InterleavedToHalves(keyHalves, Heads, HeadSize, Columns);
        for (var head = 0; head < Heads; head++)
            for (var position = 0; position < 7; position++)
            {
                var interleaved = Score(query, key, x, y, head, position, pair => (2 * pair, 2 * pair + 1));
                var halves = Score(queryHalves, keyHalves, x, y, head, position, pair => (pair, pair + HeadSize / 2));
                Assert.Equal(interleaved, halves, 1e-12);
            }
    }

    // Score of a query at a position against a key at position 3, rotary angles position / 10000^(2 pair / headSize).
    private static double Score(float[] query, float[] key, float[] x, float[] y, int head, int position, Func<int, (int, int)> pairOf)
    {
        double[] q = Rotate(Project(query, x, head), position, pairOf), k = Rotate(Project(key, y, head), 3, pairOf);
        // Sum pair by pair, so that both orders add the same numbers.
        return Enumerable.Range(0, HeadSize / 2).Sum(pair => q[pairOf(pair).Item1] * k[pairOf(pair).Item1] + q[pairOf(pair).Item2] * k[pairOf(pair).Item2]);
    }

    private static double[] Project(float[] weight, float[] x, int head) =>
        [.. Enumerable.Range(0, HeadSize).Select(row => Enumerable.Range(0, Columns).Sum(column => (double)weight[(head * HeadSize + row) * Columns + column] * x[column]))];

    private static double[] Rotate(double[] vector, int position, Func<int, (int, int)> pairOf)
    {
        var rotated = new double[HeadSize];
        for (var pair = 0; pair < HeadSize / 2; pair++)
        {
            var (sin, cos) = Math.SinCos(position / Math.Pow(10000, 2.0 * pair / HeadSize));
            var (a, b) = pairOf(pair);
            (rotated[a], rotated[b]) = (vector[a] * cos - vector[b] * sin, vector[a] * sin + vector[b] * cos);
        }
        return rotated;
    }

    private static float[] Random(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Heads * HeadSize * Columns).Select(_ => random.NextSingle() - 0.5f)];
    }
}

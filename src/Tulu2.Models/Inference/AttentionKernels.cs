// K head size, rounded up to 16; P positions, rounded up to whole pages.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tulu2.Models.Inference;

/// <summary>
/// Attention of queries to the pages of a sequence. A score is one chain over the head's elements, an output one chain over the positions: bits depend
/// neither on how many queries are computed together nor on where pages lie.
/// </summary>
internal static unsafe class AttentionKernels
{
    /// <summary>Queries whose scores are computed together.</summary>
    public const int ScoreRows = 8;

    /// <summary>Queries whose outputs are computed together.</summary>
    public const int OutputRows = 4;

    private const int Lanes = KeyValuePages.Tokens;

    /// <summary>Scores of eight queries with the tokens of a page.</summary>
    /// <param name="queries">[size][8].</param>
    /// <param name="scores">[8, stride].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores8(float* queries, float* keys, int size, float* scores, nint stride)
    {
        Vector512<float> s0 = Vector512<float>.Zero, s1 = Vector512<float>.Zero, s2 = Vector512<float>.Zero, s3 = Vector512<float>.Zero;
        Vector512<float> s4 = Vector512<float>.Zero, s5 = Vector512<float>.Zero, s6 = Vector512<float>.Zero, s7 = Vector512<float>.Zero;
        for (var at = 0; at < size; at++, queries += ScoreRows, keys += Lanes)
        {
            var key = Vector512.Load(keys);
            s0 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[0]), s0);
            s1 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[1]), s1);
            s2 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[2]), s2);
            s3 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[3]), s3);
            s4 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[4]), s4);
            s5 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[5]), s5);
            s6 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[6]), s6);
            s7 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[7]), s7);
        }
        s0.Store(scores);
        s1.Store(scores + stride);
        s2.Store(scores + 2 * stride);
        s3.Store(scores + 3 * stride);
        s4.Store(scores + 4 * stride);
        s5.Store(scores + 5 * stride);
        s6.Store(scores + 6 * stride);
        s7.Store(scores + 7 * stride);
    }

    /// <summary>Scores of one query with the tokens of four pages.</summary>
    /// <param name="scores">[4][tokens].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores1(float* query, float* keys0, float* keys1, float* keys2, float* keys3, int size, float* scores)
    {
        Vector512<float> s0 = Vector512<float>.Zero, s1 = Vector512<float>.Zero, s2 = Vector512<float>.Zero, s3 = Vector512<float>.Zero;
        for (var at = 0; at < size; at++)
        {
            var element = Vector512.Create(query[at]);
            s0 = Vector512.FusedMultiplyAdd(Vector512.Load(keys0 + at * Lanes), element, s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.Load(keys1 + at * Lanes), element, s1);
            s2 = Vector512.FusedMultiplyAdd(Vector512.Load(keys2 + at * Lanes), element, s2);
            s3 = Vector512.FusedMultiplyAdd(Vector512.Load(keys3 + at * Lanes), element, s3);
        }
        s0.Store(scores);
        s1.Store(scores + Lanes);
        s2.Store(scores + 2 * Lanes);
        s3.Store(scores + 3 * Lanes);
    }

    /// <summary>Scores to weights in place: exp((s - largest) * scale) of the first <paramref name="count"/>, 0 for the others.</summary>
    /// <param name="scores">[P].</param>
    /// <returns>The sum of the weights.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Softmax(float* scores, int count, int pages, float scale)
    {
        var whole = count / Lanes;
        var largest = Vector512.Create(float.NegativeInfinity);
        for (var page = 0; page < whole; page++) largest = Vector512.Max(largest, Vector512.Load(scores + page * Lanes));
        var numbers = Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        var inside = Vector512.LessThan(numbers, Vector512.Create((float)(count % Lanes)));
        if (count % Lanes != 0)
        {
            var part = Vector512.ConditionalSelect(inside, Vector512.Load(scores + whole * Lanes), Vector512.Create(float.NegativeInfinity));
            part.Store(scores + whole * Lanes);
            largest = Vector512.Max(largest, part);
        }
        var half = Vector256.Max(largest.GetLower(), largest.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        var most = MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
        Vector512<float> shift = Vector512.Create(most), factor = Vector512.Create(scale), sum = Vector512<float>.Zero;
        var used = (count + Lanes - 1) / Lanes;
        for (var page = 0; page < used; page++)
        {
            var weights = Vector512.Exp((Vector512.Load(scores + page * Lanes) - shift) * factor);
            weights.Store(scores + page * Lanes);
            sum += weights;
        }
        for (var page = used; page < pages; page++) Vector512<float>.Zero.Store(scores + page * Lanes);
        return Vector512.Sum(sum);
    }

    /// <summary>outputs += weights * values, for a page's tokens and 64 elements of four queries.</summary>
    /// <param name="weights">[4, weightStride] of tokens.</param>
    /// <param name="values">[tokens, K].</param>
    /// <param name="outputs">[4, K].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Outputs4(float* weights, nint weightStride, float* values, int tokens, nint width, float* outputs)
    {
        float* weights1 = weights + weightStride, weights2 = weights1 + weightStride, weights3 = weights2 + weightStride;
        float* outputs1 = outputs + width, outputs2 = outputs1 + width, outputs3 = outputs2 + width;
        Vector512<float> a0 = Vector512.Load(outputs), a1 = Vector512.Load(outputs + 16), a2 = Vector512.Load(outputs + 32), a3 = Vector512.Load(outputs + 48);
        Vector512<float> b0 = Vector512.Load(outputs1), b1 = Vector512.Load(outputs1 + 16), b2 = Vector512.Load(outputs1 + 32),
            b3 = Vector512.Load(outputs1 + 48);
        Vector512<float> c0 = Vector512.Load(outputs2), c1 = Vector512.Load(outputs2 + 16), c2 = Vector512.Load(outputs2 + 32),
            c3 = Vector512.Load(outputs2 + 48);
        Vector512<float> d0 = Vector512.Load(outputs3), d1 = Vector512.Load(outputs3 + 16), d2 = Vector512.Load(outputs3 + 32),
            d3 = Vector512.Load(outputs3 + 48);
        for (var token = 0; token < tokens; token++, values += width)
        {
            Vector512<float> v0 = Vector512.Load(values), v1 = Vector512.Load(values + 16), v2 = Vector512.Load(values + 32), v3 = Vector512.Load(values + 48);
            var w0 = Vector512.Create(weights[token]);
            a0 = Vector512.FusedMultiplyAdd(v0, w0, a0);
            a1 = Vector512.FusedMultiplyAdd(v1, w0, a1);
            a2 = Vector512.FusedMultiplyAdd(v2, w0, a2);
            a3 = Vector512.FusedMultiplyAdd(v3, w0, a3);
            var w1 = Vector512.Create(weights1[token]);
            b0 = Vector512.FusedMultiplyAdd(v0, w1, b0);
            b1 = Vector512.FusedMultiplyAdd(v1, w1, b1);
            b2 = Vector512.FusedMultiplyAdd(v2, w1, b2);
            b3 = Vector512.FusedMultiplyAdd(v3, w1, b3);
            var w2 = Vector512.Create(weights2[token]);
            c0 = Vector512.FusedMultiplyAdd(v0, w2, c0);
            c1 = Vector512.FusedMultiplyAdd(v1, w2, c1);
            c2 = Vector512.FusedMultiplyAdd(v2, w2, c2);
            c3 = Vector512.FusedMultiplyAdd(v3, w2, c3);
            var w3 = Vector512.Create(weights3[token]);
            d0 = Vector512.FusedMultiplyAdd(v0, w3, d0);
            d1 = Vector512.FusedMultiplyAdd(v1, w3, d1);
            d2 = Vector512.FusedMultiplyAdd(v2, w3, d2);
            d3 = Vector512.FusedMultiplyAdd(v3, w3, d3);
        }
        a0.Store(outputs);
        a1.Store(outputs + 16);
        a2.Store(outputs + 32);
        a3.Store(outputs + 48);
        b0.Store(outputs1);
        b1.Store(outputs1 + 16);
        b2.Store(outputs1 + 32);
        b3.Store(outputs1 + 48);
        c0.Store(outputs2);
        c1.Store(outputs2 + 16);
        c2.Store(outputs2 + 32);
        c3.Store(outputs2 + 48);
        d0.Store(outputs3);
        d1.Store(outputs3 + 16);
        d2.Store(outputs3 + 32);
        d3.Store(outputs3 + 48);
    }

    /// <summary>The same for 64 elements of one query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Outputs1(float* weights, float* values, int tokens, nint width, float* outputs)
    {
        Vector512<float> a0 = Vector512.Load(outputs), a1 = Vector512.Load(outputs + 16), a2 = Vector512.Load(outputs + 32), a3 = Vector512.Load(outputs + 48);
        for (var token = 0; token < tokens; token++, values += width)
        {
            var weight = Vector512.Create(weights[token]);
            a0 = Vector512.FusedMultiplyAdd(Vector512.Load(values), weight, a0);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Load(values + 16), weight, a1);
            a2 = Vector512.FusedMultiplyAdd(Vector512.Load(values + 32), weight, a2);
            a3 = Vector512.FusedMultiplyAdd(Vector512.Load(values + 48), weight, a3);
        }
        a0.Store(outputs);
        a1.Store(outputs + 16);
        a2.Store(outputs + 32);
        a3.Store(outputs + 48);
    }

    /// <summary>The same for 16 elements of one query: of heads that are no multiple of 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OutputsPart(float* weights, float* values, int tokens, nint width, float* outputs)
    {
        var sum = Vector512.Load(outputs);
        for (var token = 0; token < tokens; token++, values += width) sum = Vector512.FusedMultiplyAdd(Vector512.Load(values),
            Vector512.Create(weights[token]), sum);
        sum.Store(outputs);
    }
}

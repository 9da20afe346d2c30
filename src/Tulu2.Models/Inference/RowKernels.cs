// R rows, D width of a row.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tulu2.Models.Inference;

/// <summary>Operations on single rows, 16 elements at a time; rows end with zeros up to a multiple of 16.</summary>
internal static unsafe class RowKernels
{
    private const int Lanes = 16;

    /// <summary>y = x / rms(x) * weight (HF <c>LlamaRMSNorm</c>), over the first <paramref name="width"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, int width, double epsilon, float* y)
    {
        Vector512<float> even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
        var at = 0;
        for (; at + 2 * Lanes <= width; at += 2 * Lanes)
        {
            var (first, second) = (Vector512.Load(x + at), Vector512.Load(x + at + Lanes));
            even = Vector512.FusedMultiplyAdd(first, first, even);
            odd = Vector512.FusedMultiplyAdd(second, second, odd);
        }
        // What fills the row is 0.
        for (; at < width; at += Lanes)
        {
            var rest = Vector512.Load(x + at);
            even = Vector512.FusedMultiplyAdd(rest, rest, even);
        }
        var scale = Vector512.Create((float)(1 / Math.Sqrt(Vector512.Sum(even + odd) / (double)width + epsilon)));
        for (at = 0; at < width; at += Lanes) (Vector512.Load(x + at) * scale * Vector512.Load(weight + at)).Store(y + at);
    }

    /// <summary>x += y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, float* y, int width)
    {
        for (var at = 0; at < width; at += Lanes) (Vector512.Load(x + at) + Vector512.Load(y + at)).Store(x + at);
    }

    /// <summary>x += scale * y, element by element: their beginnings need not be aligned, and what is behind the width is not touched.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* x, float scale, float* y, int width)
    {
        var factor = Vector512.Create(scale);
        var at = 0;
        for (; at + Lanes <= width; at += Lanes) Vector512.FusedMultiplyAdd(factor, Vector512.Load(y + at), Vector512.Load(x + at)).Store(x + at);
        for (; at < width; at++) x[at] = MathF.FusedMultiplyAdd(scale, y[at], x[at]);
    }

    /// <summary>gate * sigmoid(gate) * up (HF <c>LlamaMLP</c> with SiLU).</summary>
    /// <param name="y">Room for the width rounded up to 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu(float* gate, float* up, int width, float* y)
    {
        for (var at = 0; at < width; at += Lanes)
        {
            var value = Vector512.Load(gate + at);
            (value / (Vector512<float>.One + Vector512.Exp(-value)) * Vector512.Load(up + at)).Store(y + at);
        }
    }

    /// <summary>Turns a head in place: elements i and i + half by the angle of its position (HF <c>apply_rotary_pos_emb</c>).</summary>
    /// <param name="cosines">[half].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(float* head, int half, float* cosines, float* sines)
    {
        var at = 0;
        for (; at + Lanes <= half; at += Lanes)
        {
            Vector512<float> low = Vector512.Load(head + at), high = Vector512.Load(head + half + at), cosine = Vector512.Load(cosines + at),
                sine = Vector512.Load(sines + at);
            (low * cosine - high * sine).Store(head + at);
            (high * cosine + low * sine).Store(head + half + at);
        }
        for (; at < half; at++)
        {
            var (low, high) = (head[at], head[half + at]);
            head[at] = low * cosines[at] - high * sines[at];
            head[half + at] = high * cosines[at] + low * sines[at];
        }
    }
}

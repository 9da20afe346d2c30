namespace Tulu2.Models.Kernels;

/// <summary>
/// Cosines and sines of rotary position embedding in Hugging Face's half layout: angle = position x theta^(-2i/K), both in fp32 as
/// <c>LlamaRotaryEmbedding</c> has it, the functions in fp64. Grows with the longest position asked for; safe to share between threads.
/// </summary>
internal sealed class RotaryTable(int headSize, double theta, int positions)
{
    private volatile Rows _rows = Compute(headSize, theta, positions);

    public int Half => headSize / 2;

    /// <summary>[positions, K/2] each, for at least <paramref name="positions"/> positions.</summary>
    public (float[] Cosines, float[] Sines) Upto(int positions)
    {
        var rows = _rows;
        if (rows.Positions < positions) _rows = rows = Compute(headSize, theta, Math.Max(positions, 2 * rows.Positions));
        return (rows.Cosines, rows.Sines);
    }

    private static Rows Compute(int headSize, double theta, int positions)
    {
        var half = headSize / 2;
        var cosines = new float[positions * half];
        var sines = new float[positions * half];
        for (var i = 0; i < half; i++)
        {
            var frequency = 1f / (float)Math.Pow(theta, 2.0 * i / headSize);
            for (var position = 0; position < positions; position++)
            {
                var angle = position * frequency;
                cosines[position * half + i] = (float)Math.Cos(angle);
                sines[position * half + i] = (float)Math.Sin(angle);
            }
        }
        return new Rows(positions, cosines, sines);
    }

    private sealed record Rows(int Positions, float[] Cosines, float[] Sines);
}

namespace Tulu2.Models.Quantization;

/// <summary>
/// The signed 8-bit map by which bitsandbytes codes the scales of blocks (<c>create_dynamic_map</c>; Dettmers, arXiv 1511.04561): seven decades, each with
/// twice as many values as the one below it, zero and one; ascending. The most negative value is about -0.993: only the positive side reaches 1.
/// </summary>
internal static class DynamicMap
{
    public const int Length = 256;

    private const int Decades = 7;

    private static readonly float[] Table = Create();

    public static ReadOnlySpan<float> Values => Table;

    /// <summary>This map where the values are the same, so that tensors have one in common; else a copy of them.</summary>
    public static float[] Shared(ReadOnlySpan<float> values) => values.SequenceEqual(Table) ? Table : values.ToArray();

    /// <summary>
    /// The code of the value nearest to <paramref name="value"/>, found by the binary search of bitsandbytes' CUDA kernel (<c>dQuantize</c>): half-way between
    /// two values, the one at which the search ended. NaN, which the kernel makes of zero times the infinite reciprocal of zero, is code 0.
    /// </summary>
    public static byte Nearest(float value)
    {
        int pivot = 127, lower = 0, upper = Length - 1;
        for (var step = 64; step > 0; step >>= 1)
            if (value > Table[pivot]) (lower, pivot) = (pivot, pivot + step);
            else (upper, pivot) = (pivot, pivot - step);
        if (value > Table[pivot]) return (byte)(value > (Table[upper] + Table[pivot]) * 0.5f ? upper : pivot);
        return (byte)(value < (Table[lower] + Table[pivot]) * 0.5f ? lower : pivot);
    }

    // In fp32 as torch.linspace computes: from the begin for the first half, from the end for the second, each product and sum rounded once.
    private static float[] Create()
    {
        const float begin = 0.1f, end = 1;
        var values = new List<float> { 0, 1 };
        for (var decade = 0; decade < Decades; decade++)
        {
            var count = (1 << decade) + 1;
            var step = (end - begin) / (count - 1);
            var bounds = Enumerable.Range(0, count)
                .Select(index => index < count / 2
                    ? MathF.FusedMultiplyAdd(step, index, begin)
                    : MathF.FusedMultiplyAdd(-step, count - index - 1, end)).ToArray();
            var scale = (float)Math.Pow(10, decade - Decades + 1);
            foreach (var (low, high) in bounds.Zip(bounds.Skip(1)))
            {
                var mean = scale * ((low + high) / 2);
                values.AddRange([mean, -mean]);
            }
        }
        values.Sort();
        return [.. values];
    }
}

namespace Tulu2.Models.HuggingFace;

/// <summary>
/// The two orders of the rows of a query or key projection. Meta's files and EasyLM turn neighbouring rows (2i, 2i + 1) of a head together; Hugging Face turns
/// rows i and i + headSize / 2 (<c>permute</c> in transformers' <c>convert_llama_weights_to_hf.py</c>). Attention scores are the same, since query and key are
/// reordered alike.
/// </summary>
public static class RotaryOrder
{
    /// <summary>Rows [heads * headSize, columns] from neighbouring pairs to halves, in place.</summary>
    public static void InterleavedToHalves(Span<float> rows, int heads, int headSize, int columns) =>
        Reorder(rows, heads, headSize, columns, row => row % 2 * (headSize / 2) + row / 2);

    /// <summary>The inverse of <see cref="InterleavedToHalves"/>.</summary>
    public static void HalvesToInterleaved(Span<float> rows, int heads, int headSize, int columns) =>
        Reorder(rows, heads, headSize, columns, row => row % (headSize / 2) * 2 + row / (headSize / 2));

    private static void Reorder(Span<float> rows, int heads, int headSize, int columns, Func<int, int> target)
    {
        if (headSize % 2 != 0) throw new ArgumentException($"a head of {headSize} rows has no pairs", nameof(headSize));
        if (rows.Length != (long)heads * headSize * columns) throw new ArgumentException($"{rows.Length} elements are not {heads} x {headSize} x {columns}", nameof(rows));
        var before = new float[headSize * columns];
        for (var head = 0; head < heads; head++)
        {
            var part = rows.Slice(head * headSize * columns, headSize * columns);
            part.CopyTo(before);
            for (var row = 0; row < headSize; row++) before.AsSpan(row * columns, columns).CopyTo(part[(target(row) * columns)..]);
        }
    }
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using Tulu2.Files;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.HuggingFace;

/// <summary>What bitsandbytes keeps of a 4-bit tensor beside its numbers (<c>QuantState.as_dict</c>): JSON text, as a tensor of bytes.</summary>
/// <param name="DataType">Type of the weights that were quantised, as torch names it.</param>
/// <param name="Offset">Mean of the scales, where they are in 8 bits; else null.</param>
internal sealed record FourBitState(string DataType, IReadOnlyList<long> Shape, float? Offset)
{
    // Of a double as text.
    private const int LongestNumber = 24;

    /// <summary>Bytes of <see cref="Write"/>: a number that is known before the offset is.</summary>
    public static int Length(string dataType, IReadOnlyList<long> shape, bool isNested) =>
        Text(dataType, shape, isNested ? new string('0', LongestNumber) : null).Length;

    /// <summary>The text as <c>json.dumps</c> gives it, with blanks behind it up to <see cref="Length"/>.</summary>
    public byte[] Write() => Encoding.ASCII.GetBytes(
        Text(DataType, Shape, Offset is { } offset ? Number(offset) : null).PadRight(Length(DataType, Shape, Offset is not null)));

    /// <param name="where">For faults.</param>
    /// <param name="tensor">For faults.</param>
    /// <param name="fix">For faults.</param>
    /// <exception cref="BadInputException">Not such text, or of another form of 4-bit weights.</exception>
    public static FourBitState Parse(string where, string tensor, ReadOnlySpan<byte> text, string fix)
    {
        try
        {
            using var json = JsonDocument.Parse(text.ToArray());
            var root = json.RootElement;
            if (root.GetProperty("quant_type").GetString() is var type and not "nf4") throw Fault($"is of the type {type}");
            if (root.GetProperty("blocksize").GetInt64() is var block and not Nf4.Block)
                throw Fault($"has blocks of {block}, and only {Nf4.Block} is supported");
            float? offset = null;
            if (root.TryGetProperty("nested_offset", out var mean))
            {
                if (root.GetProperty("nested_blocksize").GetInt64() is var nested and not BlockScales.NestedBlock)
                    throw Fault($"has nested blocks of {nested}, and only {BlockScales.NestedBlock} is supported");
                offset = (float)mean.GetDouble();
                if (!float.IsFinite(offset.Value)) throw Fault("has an offset that is not finite");
            }
            else if (root.TryGetProperty("nested_blocksize", out _)) throw Fault("is nested, but has no nested_offset");
            return new FourBitState(
                root.GetProperty("dtype").GetString()!, [.. root.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())], offset);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Fault("cannot be read: it is not the JSON text that bitsandbytes writes", failure);
        }

        BadInputException Fault(string what, Exception? inner = null) => new(where, $"tensor {tensor} {what}", fix, inner);
    }

    private static string Text(string dataType, IReadOnlyList<long> shape, string? offset)
    {
        var text = $$"""{"quant_type": "nf4", "blocksize": {{Nf4.Block}}, "dtype": "{{dataType}}", "shape": [{{string.Join(", ", shape)}}]""";
        if (offset is not null) text += $$""", "nested_blocksize": {{BlockScales.NestedBlock}}, "nested_dtype": "float32", "nested_offset": {{offset}}""";
        return text + "}";
    }

    // As Python prints a float: 0.0, 1e-05.
    private static string Number(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
        return text.Contains('.') || text.Contains('e') ? text : text + ".0";
    }
}

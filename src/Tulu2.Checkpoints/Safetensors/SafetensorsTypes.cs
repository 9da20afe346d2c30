using Tulu2.Files;

namespace Tulu2.Checkpoints.Safetensors;

/// <summary>Element types of safetensors, and their exact conversion to and from fp32.</summary>
public static class SafetensorsTypes
{
    /// <summary>Bytes of an element; null for an unknown type.</summary>
    public static int? Size(string dataType) => dataType switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => null,
    };

    public static bool IsFloat(string dataType) => dataType is "F32" or "F16" or "BF16";

    /// <summary>The smallest magnitude that <see cref="FromSingle"/> does not write as a finite number of the element type.</summary>
    public static float FirstInfinite(string dataType) => dataType switch
    {
        "F16" => 65520,
        "BF16" => BitConverter.UInt32BitsToSingle(0x7F7F8000),
        _ => float.PositiveInfinity,
    };

    /// <summary>Elements to fp32; F16 and BF16 values are kept exactly.</summary>
    public static unsafe void ToSingle(string dataType, byte* source, Span<float> destination)
    {
        switch (dataType)
        {
            case "F32":
                new ReadOnlySpan<float>(source, destination.Length).CopyTo(destination);
                break;
            case "F16":
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(source, destination.Length), destination);
                break;
            case "BF16":
                var words = new ReadOnlySpan<ushort>(source, destination.Length);
                for (var index = 0; index < words.Length; index++) destination[index] = BitConverter.UInt32BitsToSingle((uint)words[index] << 16);
                break;
            default:
                throw new BadInputException(dataType, "weights of this element type cannot be read", "convert them to F32, F16 or BF16");
        }
    }

    /// <summary>fp32 to the element type, rounded to nearest even; a finite value from <see cref="FirstInfinite"/> on becomes an infinity.</summary>
    public static void FromSingle(string dataType, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (dataType)
        {
            case "F32":
                System.Runtime.InteropServices.MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case "F16":
                System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(source, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(destination));
                break;
            case "BF16":
                var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(destination);
                for (var index = 0; index < source.Length; index++) words[index] = RoundToBrain(source[index]);
                break;
            default:
                throw new BadInputException(dataType, "weights of this element type cannot be written", "choose F32, F16 or BF16");
        }
    }

    private static ushort RoundToBrain(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        // A NaN must not round to infinity.
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}

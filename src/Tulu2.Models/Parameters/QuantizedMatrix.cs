// O outputs, I inputs of this rank.
using Tulu2.Models.Quantization;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>A frozen matrix of which only the 4-bit form is held: the parts of Hugging Face tensors that it is made of, one below the other.</summary>
/// <param name="Parts">With the row of the matrix at which each begins; as wide as the matrix.</param>
public sealed record QuantizedMatrix(long Rows, long Columns, IReadOnlyList<(long Row, Nf4Tensor Tensor)> Parts)
{
    /// <summary>Bytes of codes and scales.</summary>
    public long SizeInBytes => Parts.Sum(part => part.Tensor.SizeInBytes);

    /// <summary>Restores the matrix; each element is rounded once.</summary>
    /// <param name="weight_OI">Contiguous, fp32 or bf16, in host memory.</param>
    public unsafe void Restore(Tensor weight_OI)
    {
        foreach (var (row, tensor) in Parts)
            if (weight_OI.dtype == ScalarType.Float32) tensor.Restore(Aten.Address<float>(weight_OI) + row * Columns, Columns);
            else tensor.RestoreBrain(Aten.Address<ushort>(weight_OI) + row * Columns, Columns);
    }
}

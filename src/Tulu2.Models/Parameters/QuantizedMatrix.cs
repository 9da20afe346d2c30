// O outputs, I inputs of this rank.
using Tulu2.Models.Quantization;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>A frozen matrix of which only the 4-bit form is held.</summary>
public interface IQuantizedMatrix
{
    /// <summary>O.</summary>
    long Rows { get; }

    /// <summary>I.</summary>
    long Columns { get; }

    /// <summary>Bytes of codes and scales.</summary>
    long SizeInBytes { get; }

    /// <summary>Restores the matrix; each element is rounded once.</summary>
    /// <param name="weight_OI">Contiguous, fp32 or bf16, on the device of the codes.</param>
    void Restore(Tensor weight_OI);
}

/// <summary>The same in host memory: the parts of Hugging Face tensors that it is made of, one below the other.</summary>
public sealed record QuantizedMatrix(long Rows, long Columns, IReadOnlyList<QuantizedPart> Parts) : IQuantizedMatrix
{
    public long SizeInBytes => Parts.Select(part => part.Tensor).Distinct().Sum(tensor => tensor.SizeInBytes);

    public unsafe void Restore(Tensor weight_OI)
    {
        foreach (var part in Parts)
            if (weight_OI.dtype == ScalarType.Float32)
                part.Tensor.Restore(part.RowBegin, part.Rows, 0, Columns, Aten.Address<float>(weight_OI) + part.Row * Columns, Columns);
            else
                part.Tensor.RestoreBrain(part.RowBegin, part.Rows, 0, Columns, Aten.Address<ushort>(weight_OI) + part.Row * Columns, Columns);
    }
}

/// <summary>Rows of a quantised tensor in a matrix, as wide as the matrix.</summary>
/// <param name="Row">Row of the matrix at which they begin.</param>
/// <param name="RowBegin">Row of the tensor at which they begin.</param>
public sealed record QuantizedPart(long Row, Nf4Tensor Tensor, long RowBegin, long Rows);

// O outputs, I inputs of this rank.
using Tulu2.Models.Quantization;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>A frozen matrix of which only the 4-bit form is held: the parts of Hugging Face tensors that it is made of, one below the other.</summary>
public sealed record QuantizedMatrix(long Rows, long Columns, IReadOnlyList<QuantizedPart> Parts)
{
    /// <summary>Bytes of codes and scales.</summary>
    public long SizeInBytes => Parts.Select(part => part.Tensor).Distinct().Sum(tensor => tensor.SizeInBytes);

    /// <summary>Restores the matrix; each element is rounded once.</summary>
    /// <param name="weight_OI">Contiguous, fp32 or bf16.</param>
    public unsafe void Restore(Tensor weight_OI)
    {
        if (weight_OI.device_type != TorchSharp.DeviceType.CPU)
        {
            // The codes are in host memory: a matrix goes over the bus for each product.
            using var host_OI = empty(weight_OI.shape, dtype: weight_OI.dtype);
            Restore(host_OI);
            weight_OI.copy_(host_OI);
            return;
        }
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

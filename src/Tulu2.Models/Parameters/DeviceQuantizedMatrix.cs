// O outputs, I inputs of this rank, B blocks of a row.
using TorchSharp;
using Tulu2.Models.Quantization;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>
/// The same on a device other than the host: codes and scales lie there, and tensor operations restore the matrix, level x scale in fp32 and rounded once, so
/// that the bits are those of the host. Parts whose rows do not have blocks of their own stay on the host, and go over the bus for each product.
/// </summary>
public sealed class DeviceQuantizedMatrix : IQuantizedMatrix, IDisposable
{
    // Restored at a time: bounds what the indices take.
    private const long MostElements = 1 << 22;

    // 256 scales have one of their own.
    private const int NestedBits = 8;

    private readonly Device _device;
    private readonly Tensor _pairs;
    private readonly List<(QuantizedPart Part, DeviceCodes? Codes)> _parts;

    /// <summary>A part's codes [O, I / 2] and its scales: [O, B] of codes with what they stand for, or of values.</summary>
    private sealed record DeviceCodes(Tensor Codes, Tensor Scales, Tensor? Map, Tensor? Nested, float Mean, long FirstBlock, long BlockPitch, long FirstNested) : IDisposable
    {
        public void Dispose()
        {
            Codes.Dispose();
            Scales.Dispose();
            Map?.Dispose();
            Nested?.Dispose();
        }
    }

    public DeviceQuantizedMatrix(QuantizedMatrix matrix, Device device)
    {
        using var scope = NewDisposeScope();
        (Rows, Columns, SizeInBytes, _device) = (matrix.Rows, matrix.Columns, matrix.SizeInBytes, device);
        var pairs = new float[512];
        for (var code = 0; code < 256; code++) (pairs[2 * code], pairs[2 * code + 1]) = (Nf4.Levels[code >> 4], Nf4.Levels[code & 15]);
        _pairs = tensor(pairs).view(256, 2).to(device).DetachFromDisposeScope();
        _parts = [.. matrix.Parts.Select(part => (part, CodesOf(part)))];
    }

    public long Rows { get; }
    public long Columns { get; }
    public long SizeInBytes { get; }

    private long Blocks => Columns / Nf4.Block;

    public unsafe void Restore(Tensor weight_OI)
    {
        foreach (var (part, codes) in _parts)
        {
            using var scope = NewDisposeScope();
            var target_OI = weight_OI.narrow(0, part.Row, part.Rows);
            if (codes is null)
            {
                var host_OI = empty([part.Rows, Columns]);
                part.Tensor.Restore(part.RowBegin, part.Rows, 0, Columns, Aten.Address<float>(host_OI), Columns);
                target_OI.copy_(host_OI);
                continue;
            }
            var most = Math.Max(1, MostElements / Columns);
            for (var row = 0L; row < part.Rows; row += most) Restore(codes, row, Math.Min(most, part.Rows - row), target_OI);
        }
    }

    private void Restore(DeviceCodes codes, long first, long rows, Tensor target_OI)
    {
        using var scope = NewDisposeScope();
        var indices = codes.Codes.narrow(0, first, rows).flatten().to_type(ScalarType.Int32);
        var levels_OBX = _pairs.index_select(0, indices).view(rows, Blocks, Nf4.Block);
        var scales_OB = Scales(codes, first, rows);
        target_OI.narrow(0, first, rows).copy_((levels_OBX * scales_OB.unsqueeze(2)).view(rows, Columns));
    }

    // [rows, B] fp32; the product is rounded before the mean is added.
    private Tensor Scales(DeviceCodes codes, long first, long rows)
    {
        var held_OB = codes.Scales.narrow(0, first, rows);
        if (codes.Map is null) return held_OB;
        using Scalar begin = (codes.FirstBlock + first * codes.BlockPitch).ToScalar(), pitch = codes.BlockPitch.ToScalar(), mean = codes.Mean.ToScalar(), skipped = (-codes.FirstNested).ToScalar();
        var rows_O = arange(rows, dtype: ScalarType.Int64, device: _device).mul(pitch).Plus(begin);
        var numbers_OB = rows_O.unsqueeze(1).Plus(arange(Blocks, dtype: ScalarType.Int64, device: _device).unsqueeze(0));
        var nested_OB = numbers_OB.bitwise_right_shift(tensor((long)NestedBits, device: _device)).Plus(skipped);
        var values_OB = codes.Map.index_select(0, held_OB.flatten().to_type(ScalarType.Int32)).mul(codes.Nested!.index_select(0, nested_OB.flatten()));
        return values_OB.Plus(mean).view(rows, Blocks);
    }

    private DeviceCodes? CodesOf(QuantizedPart part)
    {
        var whole = part.Tensor;
        if (!whole.RowsHaveOwnBlocks) return null;
        using var scope = NewDisposeScope();
        var scales = whole.Scales;
        Tensor OfRows(Tensor all) => all.view(whole.Rows, -1).narrow(0, part.RowBegin, part.Rows).to(_device, copy: true).DetachFromDisposeScope();
        Tensor On(float[] values) => tensor(values).to(_device, copy: true).DetachFromDisposeScope();
        var codes_OX = OfRows(tensor(whole.Codes.ToArray()));
        var scales_OB = scales.IsNested ? OfRows(tensor(scales.Codes)) : OfRows(tensor(scales.Values));
        return new DeviceCodes(codes_OX, scales_OB, scales.IsNested ? On(scales.Map) : null, scales.IsNested ? On(scales.Values) : null, scales.Mean,
            whole.FirstBlockOf(part.RowBegin), whole.BlockPitch, scales.FirstNested);
    }

    public void Dispose()
    {
        foreach (var (_, codes) in _parts) codes?.Dispose();
        _pairs.Dispose();
    }
}

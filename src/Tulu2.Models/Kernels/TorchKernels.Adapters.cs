using TorchSharp;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

internal sealed partial class TorchKernels
{
    private static readonly Scalar ColumnFactor = ((long)DropoutMask.Column).ToScalar(), FirstFactor = ((long)DropoutMask.First).ToScalar();
    private static readonly Scalar SecondFactor = ((long)DropoutMask.Second).ToScalar();

    public override void Dropout(Tensor input_NW, DropoutMask mask, Tensor output_NW)
    {
        using var scope = NewDisposeScope();
        output_NW.copy_(input_NW.to_type(ScalarType.Float32) * Factors(mask, input_NW));
    }

    public override void AddColumns(Tensor values_NW, DropoutMask? mask, Tensor target_NO, long firstColumn)
    {
        using var scope = NewDisposeScope();
        var values = values_NW.to_type(ScalarType.Float32);
        var target = target_NO.narrow(1, firstColumn, values_NW.shape[1]);
        target.copy_(target.to_type(ScalarType.Float32).Plus(mask is null ? values : values * Factors(mask, values)));
    }

    // The 32-bit arithmetic in 64 bits: what a product has beyond them is cut off, and signs do not matter below.
    private static Tensor Factors(DropoutMask mask, Tensor like_NW)
    {
        var (rows, device) = ((int)like_NW.shape[0], like_NW.device);
        long[] low = new long[rows], high = new long[rows];
        for (var row = 0; row < rows; row++) (low[row], high[row]) = ((uint)mask.KeyOf(row), (long)(mask.KeyOf(row) >> 32));
        using Scalar first = ((long)mask.FirstColumn).ToScalar(), threshold = ((long)mask.Threshold).ToScalar(), scale = mask.Scale.ToScalar();
        var columns_W = arange(like_NW.shape[1], dtype: ScalarType.Int64, device: device).Plus(first);
        var bits = Cut(Cut(Cut(columns_W).mul(ColumnFactor)).unsqueeze(0).Plus(tensor(low, device: device).unsqueeze(1)));
        bits = Cut(Cut(Folded(bits, 16).mul(FirstFactor)).Plus(tensor(high, device: device).unsqueeze(1)));
        bits = Folded(Cut(Folded(bits, 15).mul(SecondFactor)), 16);
        return bits.ge(threshold).to_type(ScalarType.Float32).mul(scale);
    }

    private static Tensor Cut(Tensor bits) => bits.bitwise_and(tensor(0xFFFFFFFFL, device: bits.device));

    private static Tensor Folded(Tensor bits, int by) => bits.bitwise_xor(bits.bitwise_right_shift(tensor((long)by, device: bits.device)));
}

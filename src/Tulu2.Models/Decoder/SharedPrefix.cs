using Tulu2.Data.Slots;
using Tulu2.Models.Kernels;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// How much of what two segments begin with alike may have its rows in one of them without another bit in either. A row's attention is a sum over the keys up
/// to the end of its block of queries, of which those after the row are zeros: only where a segment ends is this another sum in a longer one.
/// </summary>
public static class SharedPrefix
{
    /// <summary>
    /// fp32 sums of at most so many terms are made in one pass, which zeros at their end do not change. Longer ones are cut in a way that depends on their
    /// number (docs/reference/numerics.md, sizes); bf16 sums are not.
    /// </summary>
    private const int OnePass = 192;

    /// <param name="type">The compute type.</param>
    public static SharingRule RuleOf(ScalarType type) => (common, one, other) => Of(common, one, other, type);

    private static int Of(int common, int one, int other, ScalarType type)
    {
        if (one == other || common == 0) return common;
        int shorter = Math.Min(one, other), longer = Math.Max(one, other);
        var block = Attention.QueryBlock(shorter, type);
        var last = (shorter - 1) / block * block;
        var end = Math.Min(longer, last + block);
        var sameSums = type != ScalarType.Float32 || end == shorter || end <= OnePass;
        return sameSums && shorter - last >= SegmentGroup.FewestQueries ? common : Math.Min(common, last);
    }
}

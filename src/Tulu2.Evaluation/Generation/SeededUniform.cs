using Tulu2.Data;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Numbers in [0, 1) as a pure function of (seed, index): <see cref="SplitMix64"/>. A request's draws thus depend on nothing but its own
/// seed and its number of tokens, whatever else is in the batch.
/// </summary>
internal static class SeededUniform
{
    public static double At(long seed, int index) =>
        SplitMix64.ToUnit(SplitMix64.Mix((ulong)seed + SplitMix64.Increment * ((ulong)index + 1)));
}

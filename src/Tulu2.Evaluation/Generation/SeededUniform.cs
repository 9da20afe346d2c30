using Tulu2.Data;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Random numbers in [0, 1) as a pure function of seed and index (<see cref="SplitMix64"/>), so that the draws of a request do not depend on the rest of its
/// batch.
/// </summary>
internal static class SeededUniform
{
    public static double At(long seed, int index) =>
        SplitMix64.ToUnit(SplitMix64.Mix((ulong)seed + SplitMix64.Increment * ((ulong)index + 1)));
}

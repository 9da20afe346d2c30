namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Numbers in [0, 1) as a pure function of (seed, index): SplitMix64 (Steele, Lea, Flood 2014). A request's draws thus depend on nothing but its own
/// seed and on how many tokens it has, whatever runs beside it.
/// </summary>
internal static class SeededUniform
{
    public static double At(long seed, int index)
    {
        unchecked
        {
            var z = (ulong)seed + 0x9E3779B97F4A7C15UL * ((ulong)index + 1);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
        }
    }
}

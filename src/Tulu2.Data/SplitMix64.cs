namespace Tulu2.Data;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), written out in full: the numbers drawn from a seed
/// must not change with the runtime or the platform.
/// </summary>
public struct SplitMix64(ulong state)
{
    /// <summary>Added to the state for each number.</summary>
    public const ulong Increment = 0x9E3779B97F4A7C15;

    private ulong state = state;

    /// <summary>The stream of numbers for (seed, part).</summary>
    public static SplitMix64 Of(int seed, int part) => new(Mix(Mix((ulong)(uint)seed) ^ (ulong)(uint)part));

    /// <summary>A number from 0 to <paramref name="bound"/> - 1, each equally likely.</summary>
    public int Below(int bound)
    {
        // Draws below 2^64 mod bound are discarded: otherwise small numbers would be slightly too frequent.
        var wide = (ulong)bound;
        var threshold = (0 - wide) % wide;
        while (true)
        {
            var draw = Next();
            if (draw >= threshold) return (int)(draw % wide);
        }
    }

    /// <summary>A number in [0, 1).</summary>
    public double Unit() => ToUnit(Next());

    /// <summary>The upper 53 bits of a number, as a fraction in [0, 1).</summary>
    public static double ToUnit(ulong value) => (value >> 11) * (1.0 / (1UL << 53));

    /// <summary>The finalizer: every input bit affects every output bit.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private ulong Next() => Mix(state += Increment);
}

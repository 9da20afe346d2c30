using System.Numerics;

namespace Tulu2.Data.Python;

/// <summary>
/// Python 3's <c>random.Random</c> for whole-number seeds: the same seed gives the same draws, number by number (docs/reference/tulu2.md, randomness). Not
/// thread-safe: draws of one stream have an order.
/// </summary>
internal sealed class PythonRandom
{
    private readonly MersenneTwister _twister;

    /// <param name="seed">Python takes its absolute value: -5 and 5 give the same stream.</param>
    public PythonRandom(BigInteger seed)
    {
        var bytes = BigInteger.Abs(seed).ToByteArray(isUnsigned: true);
        var words = new uint[Math.Max(1, (bytes.Length + 3) / 4)];
        for (var at = 0; at < bytes.Length; at++) words[at / 4] |= (uint)bytes[at] << (8 * (at % 4));
        _twister = new MersenneTwister(words);
    }

    /// <summary><c>random()</c>: a number in [0, 1) with 53 random bits.</summary>
    public double Random()
    {
        var (high, low) = (_twister.Next() >> 5, _twister.Next() >> 6);
        return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
    }

    /// <summary><c>getrandbits(bits)</c>, for up to 64 bits; 0 bits draw nothing.</summary>
    public ulong GetRandBits(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        if (bits == 0) return 0;
        if (bits <= 32) return _twister.Next() >> (32 - bits);
        ulong low = _twister.Next();
        return low | (ulong)(_twister.Next() >> (64 - bits)) << 32;
    }

    /// <summary><c>randrange(stop)</c>: from 0 to <paramref name="stop"/> - 1.</summary>
    public long RandRange(long stop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stop, 1);
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)stop);
        while (true)
            if (GetRandBits(bits) is var drawn && drawn < (ulong)stop) return (long)drawn;
    }

    /// <summary><c>randrange(start, stop, step)</c>.</summary>
    public long RandRange(long start, long stop, long step = 1)
    {
        ArgumentOutOfRangeException.ThrowIfZero(step);
        var count = step > 0 ? (stop - start + step - 1) / step : (stop - start + step + 1) / step;
        return start + step * RandRange(count);
    }

    /// <summary><c>sample(range(count), chosen)</c>: different numbers below <paramref name="count"/>, in the order drawn.</summary>
    public int[] Sample(int count, int chosen)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chosen);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chosen, count);
        var result = new int[chosen];
        if (count <= PoolSize(chosen))
        {
            var pool = Enumerable.Range(0, count).ToArray();
            for (var at = 0; at < chosen; at++)
            {
                var drawn = RandRange(count - at);
                result[at] = pool[drawn];
                pool[drawn] = pool[count - at - 1];
            }
            return result;
        }
        var taken = new HashSet<int>(chosen);
        for (var at = 0; at < chosen; at++)
        {
            int drawn;
            do drawn = (int)RandRange(count);
            while (!taken.Add(drawn));
            result[at] = drawn;
        }
        return result;
    }

    /// <summary><c>shuffle(items)</c>, in place.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var at = items.Length - 1; at > 0; at--)
        {
            var other = (int)RandRange(at + 1);
            (items[at], items[other]) = (items[other], items[at]);
        }
    }

    /// <summary><c>choices(range(n), weights, k=1)[0]</c>: a place, each as likely as its weight.</summary>
    public int Choice(IReadOnlyList<double> weights) => Choose(Random(), weights);

    /// <summary>What <see cref="Choice"/> gives for a number that was drawn before.</summary>
    /// <param name="drawn">In [0, 1).</param>
    public static int Choose(double drawn, IReadOnlyList<double> weights)
    {
        var total = 0.0;
        foreach (var weight in weights) total += weight;
        var (wanted, sum) = (drawn * total, 0.0);
        for (var at = 0; at < weights.Count - 1; at++)
        {
            // The sums are those of itertools.accumulate, rounding by rounding; bisect_right goes past equal ones.
            sum += weights[at];
            if (wanted < sum) return at;
        }
        return weights.Count - 1;
    }

    // Python copies the range to a pool where that is smaller than the set that it would keep instead.
    private static double PoolSize(int chosen) => chosen > 5 ? 21 + Math.Pow(4, Math.Ceiling(Math.Log(chosen * 3.0) / Math.Log(4))) : 21;
}

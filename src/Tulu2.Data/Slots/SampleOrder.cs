namespace Tulu2.Data.Slots;

/// <summary>
/// The order of items in each epoch: a permutation that is a pure function of (seed, epoch, count). Written out in full here, since the order is a
/// promise of the recipe: neither a new runtime nor another platform may change it.
/// </summary>
internal sealed class SampleOrder(int count, int seed, bool shuffle)
{
    private const int KeptEpochs = 2;

    private readonly Lock gate = new();
    private readonly Queue<(int Epoch, int[] Order)> kept = new();

    /// <summary>Items of an epoch (from 0), in order. The newest two are kept, so that a step costs nothing but a slice.</summary>
    public ReadOnlyMemory<int> Epoch(int epoch)
    {
        if (!shuffle) epoch = 0;
        lock (gate)
        {
            foreach (var (number, order) in kept)
                if (number == epoch) return order;
            var made = shuffle ? Permutation(count, seed, epoch) : Identity(count);
            if (kept.Count == KeptEpochs) kept.Dequeue();
            kept.Enqueue((epoch, made));
            return made;
        }
    }

    /// <summary>Fisher-Yates from the end, drawn from SplitMix64 started at a mix of seed and epoch.</summary>
    internal static int[] Permutation(int count, int seed, int epoch)
    {
        var order = Identity(count);
        var state = Mix(Mix((ulong)(uint)seed) ^ (ulong)(uint)epoch);
        for (var last = count - 1; last > 0; last--)
        {
            var pick = (int)Below((ulong)last + 1, ref state);
            (order[last], order[pick]) = (order[pick], order[last]);
        }
        return order;
    }

    private static int[] Identity(int count)
    {
        var order = new int[count];
        for (var index = 0; index < count; index++) order[index] = index;
        return order;
    }

    // Draws below 2^64 mod bound are thrown away, so that every value is equally likely.
    private static ulong Below(ulong bound, ref ulong state)
    {
        var threshold = (0 - bound) % bound;
        while (true)
        {
            state += 0x9E3779B97F4A7C15;
            var draw = Mix(state);
            if (draw >= threshold) return draw % bound;
        }
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}

namespace Tulu2.Data.Slots;

/// <summary>
/// The order of items in each epoch: a permutation that is a pure function of (seed, epoch, count).
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

    /// <summary>Fisher-Yates from the end, with one draw an element.</summary>
    internal static int[] Permutation(int count, int seed, int epoch)
    {
        var order = Identity(count);
        var random = SplitMix64.Of(seed, epoch);
        for (var last = count - 1; last > 0; last--)
        {
            var pick = random.Below(last + 1);
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
}

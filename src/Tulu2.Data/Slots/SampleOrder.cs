namespace Tulu2.Data.Slots;

/// <summary>
/// The order of items in each epoch, as a pure function of (seed, epoch, shares): which items the epoch passes, and a permutation of them.
/// </summary>
internal sealed class SampleOrder
{
    private const int KeptEpochs = 2;

    private readonly IReadOnlyList<EpochShare> _shares;
    private readonly int _seed;
    private readonly bool _shuffle;
    private readonly Lock _gate = new();
    private readonly Queue<(int Epoch, int[] Order)> _kept = new();

    public SampleOrder(IReadOnlyList<EpochShare> shares, int seed, bool shuffle)
    {
        (_shares, _seed, _shuffle) = (shares, seed, shuffle);
        Length = checked(shares.Sum(share => share.PerEpoch));
    }

    /// <summary>Items an epoch passes.</summary>
    public int Length { get; }

    /// <summary>No epoch passes an item more often.</summary>
    public int MostPasses => _shares.Max(share => (share.PerEpoch + share.Count - 1) / share.Count);

    /// <summary>Every epoch passes the same items in the same order.</summary>
    public bool IsConstant => !_shuffle && _shares.All(share => share.PerEpoch % share.Count == 0);

    /// <summary>Items of an epoch (from 0), in order. The newest two are kept, so that a step costs nothing but a slice.</summary>
    public ReadOnlyMemory<int> Epoch(int epoch)
    {
        if (IsConstant) epoch = 0;
        lock (_gate)
        {
            foreach (var (number, order) in _kept)
                if (number == epoch) return order;
            var made = Make(epoch);
            if (_kept.Count == KeptEpochs) _kept.Dequeue();
            _kept.Enqueue((epoch, made));
            return made;
        }
    }

    private int[] Make(int epoch)
    {
        var items = new List<int>(Length);
        for (var share = 0; share < _shares.Count; share++)
        {
            var (first, count, perEpoch) = _shares[share];
            var (rounds, rest) = Math.DivRem(perEpoch, count);
            for (var round = 0; round < rounds; round++) items.AddRange(Enumerable.Range(first, count));
            if (rest > 0) items.AddRange(Part(share, rest, epoch).Select(item => first + item));
        }
        return _shuffle ? [.. Permutation(items.Count, _seed, epoch).Select(index => items[index])] : [.. items];
    }

    // Permutations of the share's items one after another, of which each epoch takes the next `rest`. Where an epoch's part crosses into the next permutation, that
    // one's first items are others than those taken just before: no epoch takes an item twice.
    private int[] Part(int share, int rest, int epoch)
    {
        var count = _shares[share].Count;
        int[] Round(int number) => Permutation(count, _seed, ~(number * _shares.Count + share));
        var (round, pool, next) = (0, Round(0), 0);
        for (var at = 0; ; at++)
        {
            int[] part;
            if (next + rest <= count)
            {
                part = pool[next..(next + rest)];
                next += rest;
            }
            else
            {
                var tail = pool[next..];
                var late = tail.ToHashSet();
                var following = Round(++round);
                pool = [.. following.Where(item => !late.Contains(item)), .. following.Where(late.Contains)];
                next = rest - tail.Length;
                part = [.. tail, .. pool[..next]];
            }
            if (at == epoch) return _shuffle ? part : [.. part.Order()];
        }
    }

    /// <summary>Fisher-Yates from the end, with one draw an element.</summary>
    internal static int[] Permutation(int count, int seed, int part)
    {
        var order = Enumerable.Range(0, count).ToArray();
        var random = SplitMix64.Of(seed, part);
        for (var last = count - 1; last > 0; last--)
        {
            var pick = random.Below(last + 1);
            (order[last], order[pick]) = (order[pick], order[last]);
        }
        return order;
    }
}

using System.Buffers.Binary;

namespace Tulu2.Training.Steps;

/// <summary>Encodes the figures of a rank's slots for an all-gather, and decodes those of all ranks.</summary>
internal static class SlotFigures
{
    public static byte[] Write(IReadOnlyDictionary<int, double[]> figures)
    {
        var bytes = new byte[figures.Values.Sum(values => 8 + 8 * values.Length)];
        var at = 0;
        foreach (var (slot, values) in figures)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), slot);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 4), values.Length);
            at += 8;
            foreach (var value in values)
            {
                BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(at), value);
                at += 8;
            }
        }
        return bytes;
    }

    /// <summary>A rank's figures behind the numbers of the slots whose gradients are not finite there.</summary>
    public static byte[] Write(IReadOnlyDictionary<int, double[]> figures, IReadOnlyCollection<int> broken)
    {
        var bytes = new byte[sizeof(int) * (1 + broken.Count)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, broken.Count);
        foreach (var (index, slot) in broken.Index()) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(sizeof(int) * (1 + index)), slot);
        return [.. bytes, .. Write(figures)];
    }

    /// <summary>Decodes what all ranks wrote with the numbers of broken slots.</summary>
    /// <returns>[slots] the figures of each slot; the slots whose gradients are not finite on some rank.</returns>
    /// <exception cref="InvalidOperationException">The ranks together do not hold every slot exactly once.</exception>
    public static (double[][] Figures, IReadOnlySet<int> Broken) ReadWithBroken(int slots, IReadOnlyList<byte[]> ranks)
    {
        var broken = new SortedSet<int>();
        var figures = new List<byte[]>();
        foreach (var bytes in ranks)
        {
            var count = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            for (var index = 1; index <= count; index++) broken.Add(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(sizeof(int) * index)));
            figures.Add(bytes[(sizeof(int) * (1 + count))..]);
        }
        return (Read(slots, figures), broken);
    }

    /// <param name="leftOut">Slots that no rank has, and that have no figures.</param>
    /// <returns>[slots] the figures of each slot.</returns>
    /// <exception cref="InvalidOperationException">The ranks together do not hold every slot exactly once.</exception>
    public static double[][] Read(int slots, IReadOnlyList<byte[]> ranks, IReadOnlySet<int>? leftOut = null)
    {
        var all = new double[]?[slots];
        foreach (var slot in leftOut ?? new HashSet<int>()) all[slot] = [];
        foreach (var bytes in ranks)
            for (var at = 0; at < bytes.Length;)
            {
                var slot = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
                var values = new double[BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4))];
                at += 8;
                for (var index = 0; index < values.Length; index++, at += 8) values[index] = BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(at));
                if (all[slot] is not null) throw new InvalidOperationException($"slot {slot}: held by two ranks");
                all[slot] = values;
            }
        var missing = Array.FindIndex(all, values => values is null);
        if (missing >= 0) throw new InvalidOperationException($"slot {missing}: held by no rank");
        return all!;
    }
}

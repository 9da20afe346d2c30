using Tulu2.Collectives;

namespace Tulu2.Models.Inference;

/// <summary>The processes that hold a model between them, seen from one of them. All make the same calls in the same order.</summary>
/// <param name="deadline">Of each call: how long another process may take to get to it.</param>
public sealed unsafe class ShardGroup(ICollective collective, TimeSpan deadline)
{
    public int Rank => collective.Rank;

    public int Count => collective.Size;

    /// <summary>
    /// Rows of which each process has computed some columns, whole on every one.
    /// </summary>
    /// <param name="columns">By process: its columns.</param>
    /// <param name="own">This process's: [rows, columns of this process]; <paramref name="ownStride"/> to the next row.</param>
    /// <param name="staging">Room for rows times all columns.</param>
    /// <param name="whole">[rows, all columns]; <paramref name="stride"/> to the next row.</param>
    internal void Gather(IReadOnlyList<ElementRange> columns, int rows, float* own, long ownStride, float* staging, float* whole, long stride)
    {
        // A lone row needs no room of its own: its parts stand one behind the other anyway.
        var buffer = rows == 1 ? whole : staging;
        var mine = columns[Rank];
        for (var row = 0; row < rows; row++) Copy(own + row * ownStride, buffer + rows * mine.First + row * mine.Count, mine.Count);
        collective.AllGather((nint)buffer, [.. columns.Select(part => new ElementRange(rows * part.First * sizeof(float), rows * part.Count * sizeof(float)))], deadline);
        if (rows > 1) Spread(columns, rows, staging, whole, stride);
    }

    /// <summary>The same, whole on the first process only.</summary>
    /// <param name="whole">Of the first process; not used by others.</param>
    internal void GatherAtFirst(IReadOnlyList<ElementRange> columns, int rows, float* own, long ownStride, float* staging, float* whole, long stride)
    {
        var mine = columns[Rank];
        var target = staging + rows * mine.First;
        for (var row = 0; row < rows; row++) Copy(own + row * ownStride, target + row * mine.Count, mine.Count);
        if (Rank > 0)
        {
            collective.Send(0, (nint)target, rows * mine.Count * sizeof(float), deadline);
            return;
        }
        for (var other = 1; other < Count; other++)
            collective.Receive(other, (nint)(staging + rows * columns[other].First), rows * columns[other].Count * sizeof(float), deadline);
        Spread(columns, rows, staging, whole, stride);
    }

    /// <summary>What the first process has to say to the others.</summary>
    /// <param name="words">Not empty.</param>
    public void Tell(int[] words)
    {
        var length = words.Length;
        collective.Broadcast(0, Others, (nint)(&length), sizeof(int), deadline);
        fixed (int* address = words) collective.Broadcast(0, Others, (nint)address, length * sizeof(int), deadline);
    }

    /// <summary>Waits, however long, until the first process says something.</summary>
    public int[] Hear()
    {
        int length;
        collective.Broadcast(0, Others, (nint)(&length), sizeof(int), TimeSpan.MaxValue);
        var words = new int[length];
        fixed (int* address = words) collective.Broadcast(0, Others, (nint)address, length * sizeof(int), deadline);
        return words;
    }

    private int[] Others => [.. Enumerable.Range(1, Count - 1)];

    private static void Spread(IReadOnlyList<ElementRange> columns, int rows, float* staging, float* whole, long stride)
    {
        foreach (var part in columns)
            for (var row = 0; row < rows; row++) Copy(staging + rows * part.First + row * part.Count, whole + row * stride + part.First, part.Count);
    }

    private static void Copy(float* from, float* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
}

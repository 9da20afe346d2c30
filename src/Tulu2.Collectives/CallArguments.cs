namespace Tulu2.Collectives;

/// <summary>Checks of arguments that are the same on every transport.</summary>
internal static class CallArguments
{
    /// <exception cref="ArgumentException">A partial sum of another length, or a wanted range outside the buffer.</exception>
    public static void CheckTreeSum(IReadOnlyList<PartialSum> local, ElementRange wanted, long length)
    {
        foreach (var partial in local)
            if (partial.Length != length)
                throw new ArgumentException($"the sum over slots {partial.Range} has {partial.Length} floats instead of {length}", nameof(local));
        if (wanted.First < 0 || wanted.Count < 0 || wanted.End > length)
            throw new ArgumentOutOfRangeException(nameof(wanted), $"elements {wanted.First} to {wanted.End} are not within a buffer of {length} floats");
    }

    /// <exception cref="ArgumentOutOfRangeException">A rank that the group does not have.</exception>
    public static void CheckBroadcast(int root, IReadOnlyCollection<int> receivers, int size)
    {
        foreach (var member in receivers.Append(root))
            if (member < 0 || member >= size) throw new ArgumentOutOfRangeException(nameof(receivers), $"a copy from rank {root} to {string.Join(", ", receivers)} in a group of {size}");
    }

    /// <summary>This rank's number within a subgroup.</summary>
    /// <exception cref="ArgumentException">Members are not ascending, or do not include this rank.</exception>
    public static int RankIn(IReadOnlyList<int> members, int rank)
    {
        for (var index = 1; index < members.Count; index++)
            if (members[index] <= members[index - 1])
                throw new ArgumentException($"group {string.Join(", ", members)}: not in ascending order", nameof(members));
        var own = members.ToList().IndexOf(rank);
        return own >= 0 ? own : throw new ArgumentException($"group {string.Join(", ", members)}: does not contain rank {rank}", nameof(members));
    }
}

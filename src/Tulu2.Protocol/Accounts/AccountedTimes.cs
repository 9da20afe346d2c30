namespace Tulu2.Protocol.Accounts;

/// <summary>Where the time of a run's ranks went, over all its sessions until now.</summary>
/// <param name="Elapsed">Microseconds that were counted; what passed between two sessions is not.</param>
/// <param name="Ranks">By rank. The classes of one sum to <paramref name="Elapsed"/>, or, where the run did not have the rank for all that time, to the time that it had it.</param>
public sealed record AccountedTimes(long Elapsed, IReadOnlyList<ClassTimes> Ranks)
{
    public static AccountedTimes None { get; } = new(0, []);

    /// <summary>Of all ranks.</summary>
    public ClassTimes Sum => Ranks.Aggregate(default(ClassTimes), (sum, rank) => sum + rank);
}

/// <summary>Where an earlier process of the run left its ranks' time.</summary>
/// <param name="Times">What it had accounted for, with what it did since (<see cref="AccountTail"/>).</param>
/// <param name="Away">Microseconds since its last sign, which the ranks were without a supervisor; null: the run was not under way, and they do not count.</param>
public sealed record EarlierTimes(AccountedTimes Times, long? Away)
{
    /// <summary>The run begins.</summary>
    public static EarlierTimes None { get; } = new(AccountedTimes.None, null);

    /// <summary>There is a run to go on with.</summary>
    public bool Resumes { get; init; }
}

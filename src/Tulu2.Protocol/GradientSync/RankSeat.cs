using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What the supervisor knows of one rank.</summary>
public sealed record RankSeat(int Rank)
{
    /// <summary>It has a worker.</summary>
    public bool Up { get; init; }

    /// <summary>Of the latest worker heard of.</summary>
    public long Incarnation { get; init; }

    /// <summary>Where that worker's data plane is reached.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>Its answer to the present generation; null before.</summary>
    public WorkerReport.Joined? Joined { get; init; }

    /// <summary>Its report on the step being made; null before.</summary>
    public WorkerReport.StepReady? Ready { get; init; }

    /// <summary>Its report on the last commit; null before.</summary>
    public WorkerReport.Applied? Applied { get; init; }

    /// <summary>Slots it answers for in the step being made.</summary>
    public ImmutableArray<SlotRange> Slots { get; init; } = [];

    /// <summary>Of these, the ones it has still to compute.</summary>
    public ImmutableHashSet<int> Pending { get; init; } = [];

    /// <summary>Seconds that slots of the step being made took here.</summary>
    public ImmutableDictionary<int, double> Seconds { get; init; } = ImmutableDictionary<int, double>.Empty;

    /// <summary>When it last gave a sign of progress.</summary>
    public TimeSpan Progress { get; init; }

    /// <summary>Its worker was given work, and may be in the middle of some when it is called to a new generation.</summary>
    public bool Busy { get; init; }

    /// <summary>It takes part in the present generation.</summary>
    public bool IsMember => Up && Joined is not null;

    public RankSeat Out() => this with { Up = false, Joined = null, Ready = null, Applied = null, Pending = [] };

    /// <summary>Ready to be asked into a new generation.</summary>
    public RankSeat Invited(TimeSpan now) => this with { Joined = null, Ready = null, Applied = null, Pending = [], Progress = now };

    /// <summary>Set to a step: <paramref name="keep"/> is there, <paramref name="compute"/> is to do.</summary>
    public RankSeat Assigned(IEnumerable<SlotRange> keep, IEnumerable<SlotRange> compute, TimeSpan now)
    {
        var ordered = keep.Concat(compute).OrderBy(range => range.First).ToImmutableArray();
        return this with { Slots = ordered, Pending = [.. compute.SelectMany(Each)], Ready = null, Busy = true, Progress = now };
    }

    /// <param name="counts">Its slots are counted here; else another rank of its replica counts the same ones.</param>
    public RankShare Share(bool counts) => counts
        ? new(Rank, Slots, [.. Slots.SelectMany(Each).Select(slot => Seconds.GetValueOrDefault(slot))], Ready!.Times)
        : new(Rank, [], [], Ready!.Times);

    internal static IEnumerable<int> Each(SlotRange range) => Enumerable.Range(range.First, range.Count);
}

using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What a worker may be in the middle of when it is called to a new generation.</summary>
public enum RankWork
{
    /// <summary>It was given nothing yet.</summary>
    Nothing,

    Computing,

    /// <summary>Loading a manifest or the recipe's weights, then computing.</summary>
    Loading,
}

/// <summary>What the supervisor knows of one rank.</summary>
public sealed record RankSeat(Rank Rank)
{
    /// <summary>It has a worker.</summary>
    public bool Up { get; init; }

    /// <summary>Number of the latest worker heard of.</summary>
    public Incarnation Incarnation { get; init; }

    /// <summary>Where that worker's data plane is reached.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>The node of that worker.</summary>
    public string Node { get; init; } = "";

    /// <summary>Its answer to the present generation; null before.</summary>
    public WorkerReport.Joined? Joined { get; init; }

    /// <summary>Its report on the step being made; null before.</summary>
    public WorkerReport.StepReady? Ready { get; init; }

    /// <summary>Its report on the last commit; null before.</summary>
    public WorkerReport.Applied? Applied { get; init; }

    /// <summary>The latest step it was assigned slots of, also by an older generation; 0 before the first.</summary>
    public StepNumber Step { get; init; }

    /// <summary>Slots it answers for in that step.</summary>
    public ImmutableArray<SlotRange> Slots { get; init; } = [];

    /// <summary>The slots among them that it has still to compute.</summary>
    public ImmutableHashSet<SlotNumber> Pending { get; init; } = [];

    /// <summary>The slot of that step whose pass it began last and has not reported as done; null: none that is known of.</summary>
    public SlotNumber? UnderWay { get; init; }

    /// <summary>Seconds that slots of that step took here.</summary>
    public ImmutableDictionary<SlotNumber, double> Seconds { get; init; } = ImmutableDictionary<SlotNumber, double>.Empty;

    /// <summary>When it last gave a sign of progress.</summary>
    public TimeSpan Progress { get; init; }

    public RankWork Work { get; init; }

    /// <summary>Times that it was lost since the last progress of the run, and why the last time.</summary>
    public int Losses { get; init; }
    public string Lost { get; init; } = "";

    /// <summary>Why its worker goes at the end of the step under way; null: it stays.</summary>
    public string? Leaving { get; init; }

    /// <summary>A leaving worker is followed by another one in the same place.</summary>
    public bool Stays { get; init; }

    /// <summary>Its worker has the newest state, as far as is known: it brought it into a generation, or has made a step in one.</summary>
    public bool IsSettled { get; init; }

    /// <summary>Its workers died again and again, and the run goes on without it.</summary>
    public bool IsRetired { get; init; }

    /// <summary>It takes part in the present generation.</summary>
    public bool IsMember => Up && Joined is not null;

    /// <summary>It has applied the run's last commit, and knows that it was the last.</summary>
    public bool HasEnded(StepNumber last) => Applied is { Then: AfterCommit.End } applied && applied.Step == last;

    /// <summary>It has said that it has this step's parameters, in the present generation.</summary>
    public bool Has(StepNumber step) => Applied?.Step == step;

    /// <summary>It brings this step into the present generation: it has it, or its gradient, which it then applies.</summary>
    /// <param name="hash">Hash of the step's gradient as it was committed; null: not known.</param>
    public bool Brings(StepNumber step, string? hash) => Joined!.StateStep == step || Applies(Joined.StateStep, step, hash);

    /// <summary>Whose copy of that step it brings into the present generation, in the same way; null: nobody's.</summary>
    public Rank? BringsCopyAt(StepNumber step, string? hash) => Joined!.Keeps is { } copy && (copy.Step == step || Applies(copy.Step, step, hash)) ? copy.Of : null;

    private bool Applies(StepNumber has, StepNumber step, string? hash) =>
        has >= 0 && has.Next() == step && Joined!.Reduced is { } reduced && (hash is null || reduced == hash);

    public RankSeat Out(string why) => Gone() with { Losses = Losses + 1, Lost = why };

    /// <summary>It has no worker, and nothing went wrong.</summary>
    public RankSeat Gone() => this with { Up = false, Leaving = null, IsSettled = false, Joined = null, Ready = null, Applied = null, Pending = [], UnderWay = null };

    /// <summary>It has a new worker.</summary>
    public RankSeat Entered(SyncCommand.RankUp up) =>
        this with { Up = true, Work = RankWork.Nothing, Incarnation = up.Incarnation, Endpoint = up.Endpoint, Node = up.Node, Progress = up.Now };

    /// <summary>Ready to be asked into a new generation.</summary>
    public RankSeat Invited(TimeSpan now) => this with { Joined = null, Ready = null, Applied = null, Pending = [], Progress = now };

    /// <summary>Set to a step: <paramref name="keep"/> is there, <paramref name="compute"/> is to do.</summary>
    public RankSeat Assigned(StepNumber step, IEnumerable<SlotRange> keep, IEnumerable<SlotRange> compute, RankWork work, TimeSpan now) => this with
    {
        Step = step,
        Slots = [.. keep.Concat(compute).OrderBy(range => range.First)],
        Pending = [.. compute.SelectMany(SlotNumber.In)],
        UnderWay = null,
        // They belong to the step that is recovered; another one starts afresh.
        Seconds = step == Step ? Seconds : ImmutableDictionary<SlotNumber, double>.Empty,
        Ready = null,
        Work = work,
        Progress = now,
    };

    /// <param name="counts">Its slots are counted here; else another rank of its replica counts the same ones.</param>
    public RankShare Share(bool counts) => counts
        ? new(Rank, Slots, [.. Slots.SelectMany(SlotNumber.In).Select(slot => Seconds.GetValueOrDefault(slot))], Ready!.Times)
        : new(Rank, [], [], Ready!.Times);
}

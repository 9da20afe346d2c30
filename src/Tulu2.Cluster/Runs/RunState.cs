using System.Collections.Immutable;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>The state of a run as the fold of its events. Immutable; time comes in as a parameter.</summary>
internal sealed record RunState
{
    /// <summary>Steps applied.</summary>
    public StepNumber Step { get; private init; }

    /// <summary>Path of the newest manifest; null: none.</summary>
    public string? Manifest { get; private init; }
    public RunPhase Phase { get; private init; } = RunPhase.Starting;

    /// <summary>The newest generation of the ranks; 0: none yet.</summary>
    public Generation Generation { get; private init; }

    /// <summary>Ranks of that generation.</summary>
    public int Ranks { get; private init; }

    /// <summary>Ranks that wait for a node.</summary>
    public int Missing { get; private init; }

    /// <summary>Alarms that were raised and not cleared, by the directory that they are about.</summary>
    public ImmutableSortedDictionary<string, string> Alarms { get; private init; } = ImmutableSortedDictionary<string, string>.Empty;

    // Of the ranks' time, by the last account.
    private double? Goodput { get; init; }
    private double? LossFirst { get; init; }
    private double? LossLast { get; init; }
    private long Tokens { get; init; }
    private TimeSpan? TrainingBegan { get; init; }
    private double Seconds { get; init; }

    public static RunState Of(RunStart start) => start is RunStart.FromManifest from ? new RunState { Step = from.Step, Manifest = from.Path } : new RunState();

    public RunState Apply(RunEvent happened, TimeSpan now) => happened switch
    {
        RunEvent.PhaseChanged { Phase: var phase } =>
            this with { Phase = phase, TrainingBegan = TrainingBegan ?? (phase == RunPhase.Training ? now : null) },
        RunEvent.WaitingForPlaces waiting => this with { Missing = waiting.Missing },
        RunEvent.RanksPlaced => this with { Missing = 0 },
        RunEvent.GenerationOpened opened => this with { Generation = opened.Generation, Ranks = opened.Ranks },
        RunEvent.StepCommitted { Step: var step } => this with
        {
            Step = step.Step,
            // A step that is not finite has no loss to speak of.
            LossFirst = LossFirst ?? (step.Skipped is null ? step.Metrics.Loss : null),
            LossLast = step.Skipped is null ? step.Metrics.Loss : LossLast,
            Tokens = Tokens + step.Metrics.Tokens,
            Seconds = TrainingBegan is { } began ? (now - began).TotalSeconds : 0,
        },
        RunEvent.RolledBack { Rollback: var back } => this with { Step = back.To },
        RunEvent.TimeAccounted { Times: var times } => this with { Goodput = times.Sum.Goodput },
        RunEvent.StorageFailing failing => this with { Alarms = Alarms.SetItem(failing.Place, failing.Text) },
        RunEvent.StorageRecovered recovered => this with { Alarms = Alarms.Remove(recovered.Place) },
        RunEvent.CheckpointWritten written => this with { Manifest = written.Manifest },
        _ => this,
    };

    public RunOutcome Failed(RunFailure failure) => Outcome(RunEnd.Failed, Step, null, Manifest, failure);

    public RunOutcome Ended(RunEnd end, StepNumber step, string? parametersSha256, string? manifest) => Outcome(end, step, parametersSha256, manifest, null);

    public RunProgress Progress(RunPlan plan, bool isOver)
    {
        var state = Missing > 0 ? "waiting" : Phase == RunPhase.ReferencePass ? "reference" : $"{Phase}".ToLowerInvariant();
        return new RunProgress(plan.RunDirectory, state, Step, plan.TotalSteps, Generation, Ranks > 0 ? Ranks : plan.Layout.Size, Missing, isOver)
        {
            Alarm = Alarms.IsEmpty ? null : string.Join("; ", Alarms.Select(alarm => $"{alarm.Key} {alarm.Value}")),
            Goodput = Goodput,
        };
    }

    private RunOutcome Outcome(RunEnd end, StepNumber step, string? sha256, string? manifest, RunFailure? failure) =>
        new(end, step, sha256, LossFirst, LossLast, manifest, Tokens, Seconds, failure);
}

using Tulu2.Protocol.Events;

namespace Tulu2.Cluster.Ledger;

/// <summary>Selects the events of a run that the ledger keeps.</summary>
internal static class LedgerEvents
{
    /// <summary>The ledger's entry for an event; null: it keeps none.</summary>
    // HistoryLost and RecipeChanged are written before the run starts, by the one that finds them.
    public static LedgerEvent? Of(RunEvent happened) => happened switch
    {
        RunEvent.Started { IsResumed: false } run =>
            new LedgerEvent.RunStarted(run.RecipeHash, run.VirtualShards, run.Ranks, run.Slots, run.TotalSteps, run.Step) { Facts = run.Facts, Epoch = run.Epoch },
        RunEvent.Started run =>
            new LedgerEvent.RunResumed(run.RecipeHash, run.VirtualShards, run.Ranks, run.Slots, run.TotalSteps, run.Step, run.Manifest) { Facts = run.Facts, Epoch = run.Epoch },
        RunEvent.GenerationOpened opened => new LedgerEvent.GenerationOpened(opened.Generation, opened.Why, opened.Ranks),
        RunEvent.StepCommitted { Step: var step } => new LedgerEvent.StepCommitted(
            step.Generation, step.Step, step.Metrics.Loss, step.Metrics.GradientNorm, step.GradientHash, step.Metrics.Tokens, step.Seconds,
            [.. step.Shares.Select(share => new LedgerShare(share.Rank, share.Slots, share.SlotSeconds, share.Times))])
        {
            LearningRate = step.Metrics.LearningRate,
            LossTokens = step.Metrics.LossTokens,
            Samples = step.Samples.IsEmpty ? null : step.Samples,
            More = step.Metrics.More.ToDictionary(value => value.Name, value => value.Value),
            Skipped = step.Skipped?.What,
            Checked = step.Checked?.Value,
            LeftOut = step.LeftOut.IsEmpty ? null : [.. step.LeftOut.Select(slot => slot.Value)],
            SkippedSlots = step.Skipped is { } fault ? [.. fault.Slots.Select(slot => slot.Value)] : null,
        },
        RunEvent.Validated done => new LedgerEvent.Validated(
            done.Step, done.Values.ToDictionary(value => value.Name, value => value.Value), done.Verdict.IsBest, done.Verdict.Stops),
        RunEvent.RankLost lost => new LedgerEvent.RankFailed(lost.Rank, lost.Why),
        RunEvent.Recovered { Recovery: var recovery } => LedgerEvent.Recovered.Of(recovery),
        RunEvent.TimeAccounted { Times: var times } => LedgerEvent.TimeAccounted.Of(times),
        RunEvent.SlotQuarantined left => new LedgerEvent.SlotQuarantined(left.Slot.Step, left.Slot.Slot, left.Rows, left.Why),
        RunEvent.RolledBack { Rollback: var back } => new LedgerEvent.RolledBack(back.Generation, back.To, back.Through, back.Why),
        RunEvent.CheckpointWritten written => new LedgerEvent.CheckpointWritten(written.Step, written.Manifest) { StallSeconds = written.StallSeconds },
        RunEvent.CheckpointsPruned pruned => new LedgerEvent.CheckpointsPruned(pruned.Keep),
        RunEvent.CheckpointFailed failed => new LedgerEvent.CheckpointFailed(failed.Step, failed.Why) { StallSeconds = failed.StallSeconds },
        RunEvent.Finished run =>
            new LedgerEvent.RunFinished(run.Step, run.End.ToString().ToLowerInvariant(), run.ParametersSha256, run.Error) { StoppedBy = run.StoppedBy },
        _ => null,
    };
}

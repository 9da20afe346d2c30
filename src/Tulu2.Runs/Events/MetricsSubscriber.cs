using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Events;

/// <summary>Writes committed steps to <c>metrics.jsonl</c>, and validations to <c>validation.jsonl</c>.</summary>
/// <param name="firstStep">Steps of the checkpoint that the run starts from; a change of the recipe does not affect them.</param>
internal sealed class MetricsSubscriber(
    string title, RunDirectory directory, StepNumber firstStep, StepLog<StepRecord> metrics, StepLog<ValidationRecord>? validations,
    Action<string> say) : IRunEventSubscriber
{
    public void Handle(RunEvent happened)
    {
        switch (happened)
        {
            case RunEvent.StepCommitted { Step: var step }:
                directory.CheckPresent();
                if (!metrics.Append(MetricsLog.Record(step.Step, step.Metrics, step.Seconds)))
                    throw new InvalidOperationException(
                        $"step {step.Step} was replayed with other figures than metrics.jsonl has; was the run moved to another processor or libtorch build?");
                break;
            case RunEvent.Validated validated:
                if (validations?.Append(ValidationLog.Record(validated)) == false)
                    throw new InvalidOperationException(
                        $"step {validated.Step} was validated again with other values than validation.jsonl has; was the run moved to another processor or libtorch build?");
                break;
            case RunEvent.RecipeChanged { DecidesBits: true } change:
                var kept = change.After > firstStep ? change.After : firstStep;
                validations?.CutAfter(kept);
                if (metrics.CutAfter(kept) is > 0 and var cut)
                    say($"{title}: {cut} steps after step {kept} are made again by the changed recipe; what they were is in the ledger");
                break;
        }
    }
}

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
                Append(MetricsLog.Record(step));
                break;
            case RunEvent.StepKnown known:
                Append(MetricsLog.Record(known));
                break;
            case RunEvent.ValidationKnown validation:
                Append(ValidationLog.Record(validation));
                break;
            case RunEvent.Validated validated:
                Append(ValidationLog.Record(validated));
                break;
            case RunEvent.RolledBack { Rollback: var back }:
                validations?.CutAfter(back.To);
                metrics.CutAfter(back.To);
                break;
            case RunEvent.RecipeChanged change:
                var kept = change.After > firstStep ? change.After : firstStep;
                validations?.CutAfter(kept);
                if (change.DecidesBits && metrics.CutAfter(kept) is > 0 and var cut)
                    say($"{title}: {cut} steps after step {kept} are made again by the changed recipe; what they were is in the ledger");
                break;
        }
    }

    private void Append(StepRecord step)
    {
        if (!metrics.Append(step))
            throw new InvalidOperationException(
                $"step {step.Step} was replayed with other figures than metrics.jsonl has; was the run moved to another processor or libtorch build?");
    }

    private void Append(ValidationRecord validation)
    {
        if (validations?.Append(validation) == false)
            throw new InvalidOperationException(
                $"the validation of step {validation.Step} has other values than validation.jsonl; was the run moved to another processor or libtorch build?");
    }
}

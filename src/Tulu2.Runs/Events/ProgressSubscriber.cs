using Tulu2.Protocol.Events;
using Tulu2.Protocol.Outcomes;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Events;

/// <summary>Reports the progress of a run.</summary>
internal sealed class ProgressSubscriber(string title, int totalSteps, Action<ProgressSnapshot> report) : IRunEventSubscriber
{
    private bool _isEvaluating;
    private double? _loss;

    public void Handle(RunEvent happened)
    {
        switch (happened)
        {
            case RunEvent.ReferenceProgressed pass:
                report(new ProgressSnapshot(pass.Done, pass.Total) { Phase = $"{title} reference" });
                break;
            case RunEvent.PhaseChanged { Phase: RunPhase.Evaluating }:
                _isEvaluating = true;
                break;
            // While it trains, its steps are what is shown.
            case RunEvent.EvaluationProgressed scored when _isEvaluating:
                report(new ProgressSnapshot(scored.Done, scored.Total) { Phase = $"{title} evaluation" });
                break;
            case RunEvent.MirrorAwaited { Total: > 0 } copy:
                report(new ProgressSnapshot(copy.Done >> 20, copy.Total >> 20) { Phase = $"{title} copy of the last checkpoint (MiB)" });
                break;
            case RunEvent.StepCommitted { Step: var step }:
                // A step that changed nothing has no loss to speak of.
                if (step.Skipped is null) _loss = step.Metrics.Loss;
                report(new ProgressSnapshot(step.Step, totalSteps, _loss, step.TokensPerSecond) { Phase = title });
                break;
        }
    }
}

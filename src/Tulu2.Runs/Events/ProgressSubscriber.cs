using Tulu2.Protocol.Events;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Events;

/// <summary>Reports the progress of a run.</summary>
internal sealed class ProgressSubscriber(string title, int totalSteps, Action<ProgressSnapshot> report) : IRunEventSubscriber
{
    public void Handle(RunEvent happened)
    {
        switch (happened)
        {
            case RunEvent.ReferenceProgressed pass:
                report(new ProgressSnapshot(pass.Done, pass.Total) { Phase = $"{title} reference" });
                break;
            case RunEvent.StepCommitted { Step: var step }:
                report(new ProgressSnapshot(step.Step, totalSteps, step.Metrics.Loss, step.TokensPerSecond) { Phase = title });
                break;
        }
    }
}

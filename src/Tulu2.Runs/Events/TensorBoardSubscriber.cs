using Tulu2.Cluster.Runs;
using Tulu2.Evaluation.Reporting;

namespace Tulu2.Runs.Events;

/// <summary>Writes committed steps to TensorBoard's event file. It stands before the subscriber that writes <c>metrics.jsonl</c>, whose last step tells a new one from a replayed one.</summary>
internal sealed class TensorBoardSubscriber(MetricsLog metrics, TensorBoardWriter board) : IRunEventSubscriber
{
    public void Hear(RunEvent what)
    {
        if (what is RunEvent.StepCommitted { Step: var step } && step.Step > metrics.LastStep) board.Step(MetricsLog.Record(step.Step, step.Metrics, step.Seconds));
    }
}

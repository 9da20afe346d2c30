using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;

namespace Tulu2.Runs.Events;

/// <summary>
/// Writes new steps to TensorBoard's event file. It comes before the subscriber that writes <c>metrics.jsonl</c>: a step is new if that file does not have it yet.
/// </summary>
internal sealed class TensorBoardSubscriber(MetricsLog metrics, TensorBoardWriter board) : IRunEventSubscriber
{
    public void Handle(RunEvent happened)
    {
        if (happened is RunEvent.StepCommitted { Step: var step } && step.Step > metrics.LastStep)
            board.Step(MetricsLog.Record(step.Step, step.Metrics, step.Seconds));
    }
}

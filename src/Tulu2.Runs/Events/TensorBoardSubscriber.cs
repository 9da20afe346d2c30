using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Runs.Events;

/// <summary>
/// Writes new steps and validations to TensorBoard's event file. It comes before the subscriber that writes <c>metrics.jsonl</c> and <c>validation.jsonl</c>: a step
/// is new if its file does not have it yet.
/// </summary>
internal sealed class TensorBoardSubscriber(
    StepLog<StepRecord> metrics, StepLog<ValidationRecord>? validations, TensorBoardWriter board) : IRunEventSubscriber
{
    public void Handle(RunEvent happened)
    {
        switch (happened)
        {
            case RunEvent.StepCommitted { Step: var step } when step.Step > metrics.LastStep:
                board.Step(MetricsLog.Record(step));
                break;
            case RunEvent.StepKnown known when known.Step > metrics.LastStep:
                board.Step(MetricsLog.Record(known));
                break;
            case RunEvent.ValidationKnown known:
                Write(known.Step, known.Values);
                break;
            case RunEvent.Validated validated:
                Write(validated.Step, validated.Values);
                break;
            case RunEvent.Evaluated evaluated:
                board.Scalars(evaluated.Step, [($"evaluation/{evaluated.Benchmark}", evaluated.Score)]);
                break;
        }
    }

    private void Write(StepNumber step, NamedValues values)
    {
        if (step > (validations?.LastStep ?? 0)) board.Scalars(step, values.Select(value => ($"validation/{value.Name}", value.Value)));
    }
}

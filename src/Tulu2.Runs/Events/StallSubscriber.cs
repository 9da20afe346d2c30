using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;

namespace Tulu2.Runs.Events;

/// <summary>Says at the end of a run how long its steps waited for checkpoints.</summary>
internal sealed class StallSubscriber(string title, Action<string> say) : IRunEventSubscriber
{
    private ReportStall _stall = new(0, 0, 0);

    public void Handle(RunEvent happened)
    {
        switch (happened)
        {
            case RunEvent.StepCommitted { Step: var step }:
                _stall = _stall with { StepSeconds = _stall.StepSeconds + step.Seconds };
                break;
            case RunEvent.CheckpointWritten written:
                Add(written.StallSeconds);
                break;
            case RunEvent.CheckpointFailed failed:
                Add(failed.StallSeconds);
                break;
            case RunEvent.Finished when _stall.Checkpoints > 0:
                say($"{title}: {_stall.Text}");
                break;
        }
    }

    private void Add(double? seconds) => _stall = seconds is null ? _stall : _stall with { Checkpoints = _stall.Checkpoints + 1, Seconds = _stall.Seconds + seconds.Value };
}

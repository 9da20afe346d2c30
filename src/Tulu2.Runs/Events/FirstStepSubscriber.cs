using Tulu2.Protocol.Events;

namespace Tulu2.Runs.Events;

/// <summary>Calls back when this session of the run has committed its first step.</summary>
internal sealed class FirstStepSubscriber(Action first) : IRunEventSubscriber
{
    private bool _isMade;

    public void Handle(RunEvent happened)
    {
        if (_isMade || happened is not RunEvent.StepCommitted) return;
        _isMade = true;
        first();
    }
}

using Tulu2.Protocol.Events;

namespace Tulu2.Runs.Events;

/// <summary>Passes each event of a run to several subscribers, in their order.</summary>
internal sealed class RunEvents(params IReadOnlyList<IRunEventSubscriber> subscribers) : IRunEventSubscriber
{
    public void Handle(RunEvent happened)
    {
        foreach (var subscriber in subscribers) subscriber.Handle(happened);
    }
}

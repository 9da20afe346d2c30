namespace Tulu2.Protocol.Events;

/// <summary>Receives the events of a run.</summary>
public interface IRunEventSubscriber
{
    /// <summary>
    /// Called in order, one call at a time, on a thread that no actor waits for; all calls have returned when the run's outcome is known. An exception ends the
    /// run with that cause.
    /// </summary>
    void Handle(RunEvent happened);
}

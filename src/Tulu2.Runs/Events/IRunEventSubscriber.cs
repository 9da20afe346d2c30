using Tulu2.Cluster.Runs;

namespace Tulu2.Runs.Events;

/// <summary>Does one thing with the events of a run, such as writing a file.</summary>
internal interface IRunEventSubscriber
{
    /// <summary>Called in order, one call at a time, on a thread that no actor waits for. An exception ends the run with that cause.</summary>
    void Hear(RunEvent what);
}

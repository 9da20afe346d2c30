using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>A worker from the outside: the process or dedicated thread that computes for a rank and owns its tensors.</summary>
public interface IWorker : IDisposable
{
    /// <summary>Returns at once; callable from any thread.</summary>
    void Send(WorkerCommand command);
}

/// <summary>A worker that can outlive whoever commands it. Its factory gives it out again for the same rank, with the state that it has.</summary>
public interface IAdoptableWorker : IWorker
{
    /// <summary>Lets go of it, in place of <see cref="IDisposable.Dispose"/>.</summary>
    void Leave();
}

public interface IWorkerFactory
{
    /// <summary>Starts the worker of a rank. <paramref name="report"/> is called on the worker's own threads and must return at once.</summary>
    IWorker Start(Rank rank, Action<WorkerReport> report);
}

using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>A rank's worker as a process of its own.</summary>
internal sealed class ProcessWorker : IWorker
{
    private readonly HostedProcess _process;

    // On the thread that reads the process's reports.
    private bool _reportedFailure;

    public ProcessWorker(WorkerProgram program, WorkerStart start, string? log, TimeSpan shutdownPatience, TimeSpan patience, Action<WorkerReport> report)
    {
        var settings = new HostedProcessSettings(program, $"rank {start.Rank}", WorkerStartCodec.ChannelCodecs, start, new WorkerCommand.Shutdown())
        {
            Log = log,
            ShutdownPatience = shutdownPatience,
            Patience = patience,
            IsAlive = message => message is WorkerReport.Alive,
            IsReady = message => message is WorkerReport.Started,
        };
        _process = new HostedProcess(settings, Received, (why, detail) =>
        {
            if (!_reportedFailure) report(new WorkerReport.Failed(-1, start.Rank, why, detail, null, null));
        });

        void Received(object message)
        {
            if (message is not WorkerReport received) throw new WorkerChannelException($"a message came that is no {nameof(WorkerReport)}");
            _reportedFailure |= received is WorkerReport.Failed;
            report(received);
        }
    }

    /// <summary>Null before the process is started.</summary>
    public int? ProcessId => _process.ProcessId;

    public void Send(WorkerCommand command) => _process.Send(command);

    public void Dispose() => _process.Dispose();
}

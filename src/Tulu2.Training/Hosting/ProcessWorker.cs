using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>A rank's worker in a process of its own.</summary>
internal sealed class ProcessWorker : IWorker
{
    private readonly HostedProcess<WorkerReport> _process;

    // Accessed only on the thread that reads the process's reports.
    private bool _reportedFailure;

    public ProcessWorker(WorkerProgram program, WorkerStart start, string? log, TimeSpan shutdownPatience, TimeSpan patience, Action<WorkerReport> report)
    {
        var settings = new HostedProcessSettings<WorkerReport>(program, $"rank {start.Rank}", WorkerStartCodec.ChannelCodecs, start, new WorkerCommand.Shutdown())
        {
            Log = log,
            ShutdownPatience = shutdownPatience,
            Patience = patience,
            IsAlive = message => message is WorkerReport.Alive,
            IsReady = message => message is WorkerReport.Started,
        };
        _process = new HostedProcess<WorkerReport>(settings, Received, (why, detail) =>
        {
            if (!_reportedFailure) report(new WorkerReport.Failed(Generation.None, start.Rank, why, detail, null, null));
        });

        void Received(WorkerReport received)
        {
            _reportedFailure |= received is WorkerReport.Failed;
            report(received);
        }
    }

    public void Send(WorkerCommand command) => _process.Send(command);

    public void Dispose() => _process.Dispose();
}

using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>A rank's worker in a process of its own; until <see cref="TryBegin"/>, a spare without a rank.</summary>
internal sealed class ProcessWorker : IAdoptableWorker
{
    private readonly HostedProcess<WorkerReport> _process;
    private readonly Lock _gate = new();
    private Rank _rank;
    private Action<WorkerReport>? _report;
    private bool _reportedFailure, _ended;

    /// <param name="first">The first message to the process: the start of a rank's worker, or what a spare can prepare itself for.</param>
    /// <param name="report">Null: it is a spare.</param>
    /// <param name="orphan">Its process, which has been computing for the rank; null: it is started.</param>
    public ProcessWorker(
        WorkerProgram program, object first, string? log, TimeSpan shutdownPatience, TimeSpan patience, Rank rank, Action<WorkerReport>? report, Orphan? orphan = null)
    {
        (_rank, _report) = (rank, report);
        var settings = new HostedProcessSettings<WorkerReport>(program, report is null ? "spare worker" : $"rank {rank}", WorkerStartCodec.ChannelCodecs, first, new WorkerCommand.Shutdown())
        {
            Log = log,
            IsSpare = report is null,
            Adopts = orphan,
            ShutdownPatience = shutdownPatience,
            Patience = patience,
            IsAlive = message => message is WorkerReport.Alive,
            IsReady = message => message is WorkerReport.Started,
        };
        _process = new HostedProcess<WorkerReport>(settings, Received, Ended);
    }

    public bool HasEnded
    {
        get { lock (_gate) return _ended; }
    }

    /// <summary>Makes a spare the worker of a rank.</summary>
    /// <returns>False: its process has ended.</returns>
    public bool TryBegin(WorkerStart start, Action<WorkerReport> report)
    {
        lock (_gate)
        {
            if (_ended) return false;
            (_rank, _report) = (start.Rank, report);
        }
        _process.Begin($"rank {start.Rank}", start);
        return true;
    }

    public void Send(WorkerCommand command) => _process.Send(command);

    public void Dispose() => _process.Dispose();

    /// <summary>Called by <see cref="Leave"/>.</summary>
    public Action? Left { get; init; }

    public void Leave()
    {
        _process.Leave();
        Left?.Invoke();
    }

    // Both are called on the thread that reads the process's reports.
    private void Received(WorkerReport received)
    {
        _reportedFailure |= received is WorkerReport.Failed;
        Report(received);
    }

    private void Ended(string why, string detail)
    {
        Rank rank;
        lock (_gate) (_ended, rank) = (true, _rank);
        if (!_reportedFailure) Report(new WorkerReport.Failed(Generation.None, rank, why, detail, null, null) { OfMemory = _process?.EndedOfMemory == true, Ago = _process?.SinceEnd });
    }

    private void Report(WorkerReport report)
    {
        Action<WorkerReport>? to;
        lock (_gate) to = _report;
        to?.Invoke(report);
    }
}

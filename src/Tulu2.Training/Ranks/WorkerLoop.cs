using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Ranks;

/// <summary>
/// A worker's loop, on its one thread: mailbox, fence, joining of generations, and failure. What it computes is a <see cref="RankBody"/>, built when the
/// worker joins as a rank that it cannot play yet: without one it is a warm spare, and any worker can become any rank. Commands are taken between two
/// pieces of work and while it waits; finished slots are kept. After a collective was aborted it waits for the next generation.
/// </summary>
internal sealed class WorkerLoop : IDisposable
{
    private readonly WorkerSettings _settings;
    private readonly Mailbox _mailbox;
    private readonly Action<WorkerReport> _report;
    private readonly SlotComputerOf _computerOf;
    private RankBody? _body;
    private Rank _rank;

    private WorkerLoop(WorkerSettings settings, Rank rank, Mailbox mailbox, Action<WorkerReport> report, SlotComputerOf computerOf) =>
        (_settings, _rank, _mailbox, _report, _computerOf) = (settings, rank, mailbox, report, computerOf);

    private Generation Generation => _body?.Generation ?? Generation.None;

    /// <summary>
    /// Runs on the calling thread until <see cref="WorkerCommand.Shutdown"/> or a failure, which it reports; everything is freed before it returns.
    /// </summary>
    /// <param name="rank">The rank it is started for, by which a failure before the first generation is reported.</param>
    public static void Run(WorkerSettings settings, Rank rank, Mailbox mailbox, Action<WorkerReport> report, SlotComputerOf computerOf)
    {
        using var loop = new WorkerLoop(settings, rank, mailbox, report, computerOf);
        report(new WorkerReport.Started(settings.DataPlane.Endpoint));
        loop.Run();
    }

    public void Dispose()
    {
        _mailbox.Enter(null);
        _body?.Dispose();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                var command = Next();
                if (command is WorkerCommand.Shutdown) return;
                try
                {
                    if (command is null) _body!.Advance();
                    else Handle(command);
                }
                catch (CollectiveAbortedException)
                {
                    // A peer is gone or a newer generation has begun; the supervisor's next command follows.
                    _body?.Pause();
                }
            }
        }
        catch (Exception fault)
        {
            _mailbox.Abort($"rank {_rank} failed: {FaultText.Of(fault)}");
            // The report starts a successor, which needs the memory.
            _body?.Free();
            _report(WorkerReport.Failed.Of(Generation, _rank, fault));
        }
    }

    // Null: there is work to go on with.
    private WorkerCommand? Next()
    {
        if (_mailbox.TryTake(out var command)) return command;
        if (_body is { HasWork: true }) return null;
        var start = Stopwatch.GetTimestamp();
        command = _mailbox.Take();
        _body?.Waited(Stopwatch.GetElapsedTime(start));
        return command;
    }

    private void Handle(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.JoinGeneration join:
                if (join.Generation >= _mailbox.Fence) Join(join);
                break;
            case WorkerCommand.Begin { Generation: var generation } when !IsCurrent(generation):
            case WorkerCommand.Commit { Generation: var committed } when !IsCurrent(committed):
            case WorkerCommand.Score { Generation: var scored } when !IsCurrent(scored):
                break;
            default:
                _body?.Handle(command);
                break;
        }
    }

    // The fence: an older generation's commands have no effect, even where the newer one's are still in the queue.
    private bool IsCurrent(Generation generation) => generation == Generation && generation >= _mailbox.Fence;

    private void Join(WorkerCommand.JoinGeneration join)
    {
        if (join.Generation > Generation)
        {
            if (join.Endpoints.Count != _settings.Parallel.Size)
                throw new InvalidOperationException($"rank {join.Rank}: a generation of {join.Endpoints.Count} ranks for the layout {_settings.Parallel}");
            _body?.Leave();
            var body = BodyOf(join.Rank);
            var world = _settings.DataPlane.Join(join.Generation, join.Rank, join.Endpoints);
            _mailbox.Enter(world);
            body.Enter(world, join.Rank, _mailbox.EnterToo);
        }
        _body!.ReportJoined();
    }

    private RankBody BodyOf(Rank rank)
    {
        _rank = rank;
        if (_body is { } present && present.CanPlay(rank)) return present;
        _body?.Dispose();
        _body = null;
        return _body = new RankBody(_settings, rank, _report, _computerOf);
    }
}

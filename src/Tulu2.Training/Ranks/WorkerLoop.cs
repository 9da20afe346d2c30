using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Ranks;

/// <summary>
/// A worker's main loop, on one thread: receives commands, ignores those of older generations, joins generations and reports failures. The computation is in a
/// <see cref="RankBody"/>, created when the worker joins as a rank other than its current one or a twin of it. Without a body the worker is a spare; any worker
/// can become any rank. Commands are handled between passes. After an aborted collective the worker keeps its finished slots and waits for the next generation.
/// </summary>
internal sealed class WorkerLoop : IDisposable
{
    private readonly WorkerSettings _settings;
    private readonly Mailbox _mailbox;
    private readonly Action<WorkerReport> _report;
    private readonly SlotComputerOf _computerOf;
    private RankBody? _body;
    private Rank _rank;

    // A call of it was aborted: the state may be half of what the commands that follow take for granted.
    private Generation? _aborted;

    private WorkerLoop(WorkerSettings settings, Rank rank, Mailbox mailbox, Action<WorkerReport> report, SlotComputerOf computerOf) =>
        (_settings, _rank, _mailbox, _report, _computerOf) = (settings, rank, mailbox, report, computerOf);

    private Generation Generation => _body?.Generation ?? Generation.None;

    /// <summary>
    /// Runs on the calling thread until <see cref="WorkerCommand.Shutdown"/> or a failure, which it reports; frees all memory before it returns.
    /// </summary>
    /// <param name="rank">The rank that the worker is started for; failures before the first generation are reported under it.</param>
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
                    // A peer is gone or a newer generation has begun; the supervisor will send the next one's commands.
                    _body?.Pause();
                    _aborted = Generation;
                }
            }
        }
        catch (Exception fault)
        {
            _mailbox.Abort($"rank {_rank} failed: {FaultText.Of(fault)}");
            // Freed before the report, which makes the supervisor start a successor that needs the memory.
            _body?.Free();
            _report(WorkerReport.Failed.Of(Generation, _rank, fault));
        }
    }

    // The next command; null if there is none but the body has work.
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
            case WorkerCommand.OfGeneration { Generation: var generation } when !IsCurrent(generation):
                break;
            default:
                _body?.Handle(command);
                break;
        }
    }

    // Fencing: commands of an older generation have no effect, even while the newer generation's join is still in the queue.
    private bool IsCurrent(Generation generation) => generation == Generation && generation >= _mailbox.Fence && generation != _aborted;

    private void Join(WorkerCommand.JoinGeneration join)
    {
        if (join.Generation > Generation)
        {
            if (join.Endpoints.Count != join.Ranks.Count)
                throw new InvalidOperationException($"rank {join.Rank}: a generation of {join.Ranks.Count} ranks with {join.Endpoints.Count} addresses");
            var roster = new Roster(_settings.Parallel, join.Ranks);
            _body?.Leave();
            var body = BodyOf(join.Rank);
            var world = _settings.DataPlane.Join(join.Generation, roster.PlaceOf(join.Rank), join.Endpoints);
            _mailbox.Enter(world);
            body.Enter(world, roster, join.Rank, _mailbox.EnterToo);
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

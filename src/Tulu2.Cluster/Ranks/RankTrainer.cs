using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.Ranks;

/// <summary>Dependencies of a rank's trainer; they outlive its restarts.</summary>
/// <param name="Worker">Starts the rank's worker.</param>
/// <param name="NextIncarnation">Numbers the workers; outlives a restart of the trainer.</param>
internal sealed record RankSetup(
    Rank Rank, Func<Action<WorkerReport>, IWorker> Worker, Func<FeedWindow> Feed, Func<Incarnation> NextIncarnation,
    IActorRef GradientSync, IActorRef DataLoader, IActorRef Checkpointer, WorkerShutdown Shutdown);

/// <summary>
/// The actor of one rank: passes commands to its worker and the worker's reports to the supervisor, and requests the worker's slots. A failed worker ends it with
/// an exception; restarted, it starts a new worker.
/// </summary>
internal sealed class RankTrainer(RankSetup setup) : UntypedActor
{
    private readonly FeedWindow _feed = setup.Feed();
    private IWorker? _worker;
    private Incarnation _incarnation;
    private bool _leaves;

    protected override void PreStart()
    {
        _incarnation = setup.NextIncarnation();
        var (self, incarnation) = (Self, _incarnation);
        void Report(WorkerReport report) => self.Tell(new RankProtocol.Told(incarnation, report));
        try
        {
            _worker = setup.Worker(Report);
        }
        catch (Exception fault)
        {
            // Handled like a failure that the worker reports.
            Report(WorkerReport.Failed.Of(Generation.None, setup.Rank, fault));
        }
    }

    protected override void PostStop()
    {
        if (_worker is not { } worker) return;
        if (_leaves && worker is IAdoptableWorker adoptable)
        {
            adoptable.Leave();
            return;
        }
        worker.Send(new WorkerCommand.Shutdown());
        setup.Shutdown.Begin(worker, $"rank {setup.Rank}");
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RankProtocol.Told told when told.Incarnation == _incarnation:
                Pass(told.Report);
                break;
            case RankProtocol.Command command:
                _worker?.Send(command.Body);
                if (command.Body is WorkerCommand.JoinGeneration join) _feed.Join(join);
                if (command.Body is WorkerCommand.Begin begin) Ask(_feed.Begin(begin));
                if (command.Body is WorkerCommand.Commit commit) Ask(_feed.Commit(commit));
                break;
            case RankProtocol.SlotRead read when read.Incarnation == _incarnation:
                _worker?.Send(new WorkerCommand.Feed(read.Batch));
                break;
            case RankProtocol.ScoreChunk score:
                setup.DataLoader.Tell(new RankProtocol.ReadChunk(_incarnation, score));
                break;
            case RankProtocol.ChunkRead read when read.Incarnation == _incarnation:
                _worker?.Send(new WorkerCommand.Score(read.Chunk.Generation, read.Chunk.Step, read.Chunk.Chunk, read.Batch));
                break;
            case RankProtocol.Replace replace when replace.Incarnation == _incarnation:
                throw new RankFailedException(setup.Rank, replace.Why, "");
            case RankProtocol.Release:
                Context.Parent.Tell(new RankTrainers.Released(setup.Rank));
                Context.Stop(Self);
                break;
            case RankProtocol.Leave:
                _leaves = true;
                Context.Stop(Self);
                break;
            case RankProtocol.Stop:
                Context.Stop(Self);
                break;
        }
    }

    private void Pass(WorkerReport report)
    {
        switch (report)
        {
            case WorkerReport.Started started:
                setup.GradientSync.Tell(new RankProtocol.Up(setup.Rank, _incarnation, started.Endpoint));
                break;
            case WorkerReport.Leaving leaving:
                setup.GradientSync.Tell(new RankProtocol.Leaving(setup.Rank, _incarnation, leaving.Why));
                break;
            case WorkerReport.Failed failed when failed.IsFinal:
                setup.GradientSync.Tell(new RankProtocol.BadInput(setup.Rank, failed.Error, failed.Detail, failed.BadInputWhere, failed.BadInputFix));
                break;
            case WorkerReport.Failed failed:
                // One that tells of its own end does so at once.
                setup.GradientSync.Tell(new RankProtocol.Lost(setup.Rank, _incarnation, failed.Error) { OfMemory = failed.OfMemory, Ago = failed.Ago ?? TimeSpan.Zero });
                throw new RankFailedException(setup.Rank, failed.Error, failed.Detail);
            case WorkerReport.ShardWritten or WorkerReport.SnapshotFailed or WorkerReport.SnapshotTaken:
                setup.Checkpointer.Tell(new RankProtocol.Told(_incarnation, report));
                break;
            case WorkerReport.SlotDone slot:
                setup.GradientSync.Tell(new RankProtocol.Report(report));
                Ask(_feed.Done(slot.Step, slot.Slot));
                break;
            default:
                setup.GradientSync.Tell(new RankProtocol.Report(report));
                break;
        }
    }

    private void Ask(IReadOnlyList<(StepNumber Step, SlotNumber Slot)> slots)
    {
        foreach (var (step, slot) in slots) setup.DataLoader.Tell(new RankProtocol.ReadSlot(_incarnation, step, slot));
    }
}

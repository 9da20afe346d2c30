using System.Diagnostics;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>
/// One life of the run's coordinator, from the lock of the ledger to its death or the run's end: the product's states, and around them what their actors do. It begins with what ledger and
/// manifests say, and knows nothing else of its predecessor.
/// </summary>
internal sealed partial class CoordinatorModel
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Invites = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(1.5), SleptInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(0.3), ScaleLook = TimeSpan.FromSeconds(0.5);

    private readonly World _world;
    private readonly LedgerWriter _ledger;
    private readonly Queue<SyncEffect> _waiting = new();
    private readonly Dictionary<Rank, (NodeModel Node, long Epoch)> _trainers = [];
    private readonly Dictionary<(NodeModel, string), CourierStream<object>> _fromNodes = [];
    private readonly Dictionary<(NodeModel, long, int), CourierStream<object>> _toTrainers = [];
    private readonly Dictionary<NodeModel, CourierStream<PlacementEffect.Start>> _toNodes = [];
    private readonly HashSet<NodeModel> _answered = [];
    private readonly Dictionary<Rank, PlacementEffect.Leave> _leaving = [];
    private GradientSyncState _state;
    private PlacementState _placement;
    private ValidationRound _validation;
    private List<PlacementOffer>? _first = [];
    private Generation _scoring;
    private TimeSpan _ticked, _busyUntil;
    private bool _isWriting, _isOver, _looks;
    private int? _scaled;

    // Ranks that could have been asked into the present generation: what they have is known.
    private HashSet<Rank> _there = [];

    public CoordinatorModel(World world, int life)
    {
        _world = world;
        Process = new SimulatedProcess(world.Loop, $"coordinator {life}");
        _ledger = new LedgerWriter(world, Process);
        world.Disk.Owner = Process;
        var known = world.Disk.Ledger.Aggregate(LedgerState.Empty, (state, entry) => state.Apply(entry));
        var manifest = world.Disk.Newest;
        var rules = world.Shape.RulesFor(world.Disk.Data);
        var history = known.Validations.Aggregate(ValidationHistory.Empty, (all, each) => all.With(each.Key, each.Value["loss"]));
        var newest = manifest is null ? null : new KnownManifest(manifest.Path, new StepNumber(manifest.Step));
        var start = new SyncStart(known.Generation, newest, known.Hashes, ReferenceDue: false) { Validated = history, Decided = known.Decided };
        _state = GradientSyncState.Of(rules, world.Mutation.Begins(start), ProgressLease.Of(world.Times.Patience) with { Initial = 6 * world.Times.Patience });
        _placement = new PlacementState(rules.Ranks, rules.Layout.Tensor)
        {
            Copy = rules.Layout.CopySize,
            Fewest = Math.Min(rules.Layout.Data, rules.FewestReplicas) * rules.Layout.ReplicaSize,
        };
        _validation = ValidationRound.Of(world.Shape.Chunks);
        (_catalog, _written) = (new(), manifest?.Step);
        int slots = rules.Slots, steps = rules.LastStep, ranks = rules.Ranks;
        if (manifest is not null && known.MissingBefore(new StepNumber(manifest.Step), manifest.Path, null) is { } missing) _ledger.Append(missing);
        _ledger.Append(known.HasSteps || manifest is not null
            ? new LedgerEvent.RunResumed("recipe", 1, ranks, slots, steps, manifest?.Step ?? 0, manifest?.Path)
            : new LedgerEvent.RunStarted("recipe", 1, ranks, slots, steps, 0));
        BeginEvaluation();
        world.Loop.Say($"{Process.Name} begins: generation {known.Generation}, newest manifest {manifest?.Path ?? "none"}, {known.Hashes.Count} steps in the ledger");
        Sweep();
        var isOver = manifest?.Step == steps && (world.Shape.Validation is null || history.Has(new StepNumber(steps)));
        if (isOver) FinishEvaluation();
        else
        {
            Process.After(TimeSpan.Zero, Invite);
            Process.After(TimeSpan.Zero, LookAtScale);
            Process.After(AnswerPatience, OfferFirst);
            _ticked = world.Loop.Now;
            Process.After(Second, Tick);
        }
    }

    public SimulatedProcess Process { get; }

    public GradientSyncState State => _state;

    /// <summary>Workers of the ranks as this coordinator knows them.</summary>
    public IEnumerable<WorkerModel> Workers => _trainers.Select(trainer => trainer.Value.Node.WorkerOf(trainer.Key)).OfType<WorkerModel>();

    /// <summary>A trainer or checkpointer of a node has something to say.</summary>
    public void FromNode(NodeModel node, object message)
    {
        var isShard = message is RankProtocol.Report { Body: WorkerReport.ShardWritten or WorkerReport.SnapshotFailed };
        var key = (node, isShard ? "checkpoints" : "sync");
        if (!_fromNodes.TryGetValue(key, out var stream))
            _fromNodes[key] = stream = new CourierStream<object>(_world.Loop, _world.Network, node.Process, Process, told => InTurn(() => HearAndEcho(node, told)), _world.Mutation.Stream);
        stream.Send(message);
    }

    /// <summary>The cluster has removed a node.</summary>
    public void NodeIsGone(NodeModel node)
    {
        foreach (var stream in _fromNodes.Where(stream => stream.Key.Item1 == node).Select(stream => stream.Value)) stream.End();
        foreach (var stream in _toTrainers.Where(stream => stream.Key.Item1 == node).Select(stream => stream.Value)) stream.End();
        if (_toNodes.TryGetValue(node, out var placed)) placed.End();
        _answered.Remove(node);
        Place(_placement.Gone(node.Name), "its node is gone");
    }

    // It takes one message at a time.
    private void InTurn(Action take)
    {
        if (_world.Times.Decide == TimeSpan.Zero)
        {
            take();
            return;
        }
        _busyUntil = (_busyUntil > _world.Loop.Now ? _busyUntil : _world.Loop.Now) + _world.Times.Decide;
        Process.After(_busyUntil - _world.Loop.Now, take);
    }

    // The states bear repeats of old reports too, from which the courier spares them.
    private void HearAndEcho(NodeModel node, object message)
    {
        Hear(node, message);
        if (_world.Network.Echoes > 0 && _world.Loop.Chance(_world.Network.Echoes))
            Process.After(_world.Loop.Between(TimeSpan.Zero, 3 * Second), () => Hear(node, message));
    }

    private void Hear(NodeModel node, object message)
    {
        // A shard goes to the checkpoint coordinator, in a message of its own.
        if (message is not RankProtocol.Report { Body: WorkerReport.ShardWritten or WorkerReport.SnapshotFailed }) _world.Meter?.Passed(message);
        var now = _world.Loop.Now;
        switch (message)
        {
            case RankProtocol.Up up:
                if (up.Rank >= _state.Seats.Length || up.Incarnation >= _state.Seats[up.Rank].Incarnation) _trainers[up.Rank] = (node, NodeProtocol.EpochOf(up.Incarnation));
                Take(new SyncCommand.RankUp(up.Rank, up.Incarnation, up.Endpoint, now) { Node = node.Name });
                if (_leaving.TryGetValue(up.Rank, out var leaving) && leaving.Epoch == NodeProtocol.EpochOf(up.Incarnation))
                    Take(new SyncCommand.RankLeaves(up.Rank, up.Incarnation, "its node was told to end", Stays: false, now));
                break;
            case RankProtocol.Leaving told:
                Take(new SyncCommand.RankLeaves(told.Rank, told.Incarnation, told.Why, Stays: true, now));
                break;
            case NodeProtocol.Leaving:
                if (_answered.Contains(node)) Place(_placement.Leaving(node.Name), "its node was told to end");
                break;
            case RankProtocol.Lost lost:
                Take(new SyncCommand.RankLost(lost.Rank, lost.Incarnation, lost.Why, now));
                break;
            case RankProtocol.Report { Body: WorkerReport.ShardWritten shard }:
                Settle(_world.Mutation.Arrives(_catalog, shard.Rank, shard.Step, shard.Shard));
                break;
            case RankProtocol.Report { Body: WorkerReport.SnapshotFailed failed }:
                Settle(_catalog.Fail(failed.Rank, failed.Step, failed.Error));
                break;
            case RankProtocol.Report { Body: WorkerReport.Scored scored }:
                Take(new SyncCommand.Scored(scored.Rank, now));
                Validate(scored);
                break;
            case RankProtocol.Report report:
                Take(new SyncCommand.Reported(report.Body, now));
                break;
        }
    }

    private void Tick()
    {
        var now = _world.Loop.Now;
        Take(now - _ticked > SleptInterval ? new SyncCommand.Slept(now) : new SyncCommand.Tick(now));
        _ticked = now;
        if (!_isOver) Process.After(Second, Tick);
    }

    private void Validate(WorkerReport.Scored scored)
    {
        if (scored.Generation != _scoring) return;
        (_validation, var complete, var chunks) = _validation.Scored(scored.Rank, scored.Step, scored.Task, scored.LogProbabilities);
        Score(scored.Step, chunks);
        if (complete is not null) Take(new SyncCommand.Validated(scored.Step, complete.Sum(scores => (double)scores[0]) / scored.Step, _world.Loop.Now));
    }

    private void Score(StepNumber step, IEnumerable<(Rank Rank, int Chunk)> chunks)
    {
        foreach (var (rank, chunk) in chunks) ToTrainer(rank, new RankProtocol.ScoreChunk(_scoring, step, chunk));
    }

    private void Take(SyncCommand told)
    {
        foreach (var command in _world.Mutation.Hears(_state, told))
        {
            var began = Stopwatch.GetTimestamp();
            var there = _state.Seats.Where(seat => seat.IsSettled).Select(seat => seat.Rank).ToArray();
            (_state, var effects) = _state.Decide(command);
            if (effects.Any(effect => effect is SyncEffect.GenerationOpened)) _there = [.. there, .. _state.Roster.Ranks];
            _world.Meter?.Decided(Stopwatch.GetElapsedTime(began));
            foreach (var effect in effects.SelectMany(_world.Mutation.Does)) _waiting.Enqueue(effect);
        }
        DoWaiting();
        if (_looks || _state.Phase is not SyncPhase.Gathering) return;
        // The next tick is too late for who waits a quarter of a second.
        _looks = true;
        Process.After(Look, () =>
        {
            _looks = false;
            if (_state.Phase is SyncPhase.Gathering) Take(new SyncCommand.Tick(_world.Loop.Now));
        });
    }

    private void DoWaiting()
    {
        while (!_isWriting && Process.Runs && _waiting.TryDequeue(out var effect)) Do(effect);
    }

    private void Do(SyncEffect effect)
    {
        _world.At(effect is SyncEffect.Tell tell ? $"{tell.Command.GetType().Name}" : effect.GetType().Name);
        if (!Process.IsAlive) return;
        switch (effect)
        {
            case SyncEffect.Tell { Rank: var rank, Command: var command }:
                Watch(command);
                ToTrainer(rank, new RankProtocol.Command(command));
                break;
            case SyncEffect.Restart restart:
                ToTrainer(restart.Rank, new RankProtocol.Replace(restart.Incarnation, restart.Why));
                break;
            case SyncEffect.Resized resized:
                _world.Loop.Say($"{Process.Name} goes on with {resized.Ranks} ranks");
                Process.After(TimeSpan.Zero, () => Place(_placement.Resize(resized.Ranks), ""));
                break;
            case SyncEffect.Released released:
                _world.Loop.Say($"{Process.Name} releases {string.Join(",", released.Ranks)}");
                foreach (var rank in released.Ranks) ToTrainer(rank, RankProtocol.Release.Instance);
                Process.After(TimeSpan.Zero, () => Place(_placement.Released(released.Ranks), ""));
                break;
            case SyncEffect.SnapshotBegun begun:
                BeginSnapshot(begun.Step, begun.Roster.Ranks);
                break;
            case SyncEffect.SnapshotRanksGone gone:
                Settle(_catalog.Gone(gone.Step, gone.Ranks));
                break;
            case SyncEffect.BeginValidation begin:
                _scoring = begin.Generation;
                (_validation, var chunks) = _validation.Begin(begin.Step, begin.Roster);
                Score(begin.Step, chunks);
                break;
            case SyncEffect.Validated { Step: var step, Verdict: var verdict }:
                _ledger.Append(new LedgerEvent.Validated(step, new Dictionary<string, double> { ["loss"] = ValueOf(step) }, verdict.IsBest, verdict.Stops));
                break;
            case SyncEffect.GenerationOpened opened:
                _world.Loop.Say($"{Process.Name} opens generation {opened.Generation}: {opened.Why}");
                _ledger.Append(new LedgerEvent.GenerationOpened(opened.Generation, opened.Why, opened.Ranks));
                AwaitLedger(durable: true);
                break;
            case SyncEffect.Committed { Step: var commit }:
                _world.Loop.Say($"{Process.Name} commits step {commit.Step} in generation {commit.Generation}{(commit.Replayed ? ", again" : "")}");
                _ledger.Append(new LedgerEvent.StepCommitted(commit.Generation, commit.Step, 1, 1, commit.GradientHash, 1, commit.Seconds,
                    [.. commit.Shares.Select(share => new LedgerShare(share.Rank, share.Slots, share.SlotSeconds, share.Times))]));
                AwaitLedger(durable: false);
                break;
            case SyncEffect.RankOut lost:
                _world.Loop.Say($"{Process.Name} has lost rank {lost.Rank}: {lost.Why}");
                _ledger.Append(new LedgerEvent.RankFailed(lost.Rank, lost.Why));
                break;
            case SyncEffect.Finished or SyncEffect.Failed:
                Ended(effect);
                break;
        }
    }

    private double ValueOf(StepNumber step) => Enumerable.Range(1, _world.Shape.Chunks).Sum(chunk => (double)chunk) / step;

    // Whatever follows is done when all that was published is in the ledger's file or, of a generation, outlives this machine.
    private void AwaitLedger(bool durable)
    {
        if (_world.Mutation.OvertakesLedger) return;
        _isWriting = true;
        void Written()
        {
            _isWriting = false;
            _world.At("Written");
            DoWaiting();
        }
        if (durable && !_world.Mutation.FlushesNoGeneration) _ledger.WhenDurable(Written);
        else _ledger.WhenWritten(Written);
    }

    private void Watch(WorkerCommand command)
    {
        var transfer = command switch
        {
            WorkerCommand.Begin begin => begin.Transfer,
            WorkerCommand.Restore restore => restore.Transfer,
            _ => null,
        };
        if (transfer is null || _begun == _state.Generation) return;
        _begun = _state.Generation;
        var step = command is WorkerCommand.Begin first ? first.Step - 1 : ((WorkerCommand.Restore)command).Step;
        var commits = _world.Disk.Ledger.Select(entry => entry.Event).OfType<LedgerEvent.StepCommitted>();
        var decided = commits.LastOrDefault()?.Step ?? 0;
        _world.Loop.Say($"{Process.Name} begins generation {_begun} with step {step}, {transfer.GetType().Name}; the last commit was {decided}");
        _world.Invariants.Begun(_begun, Workers.Where(worker => _there.Contains(worker.Rank)), step, decided, _written, loads: transfer is StateTransfer.FromManifest or StateTransfer.FromRecipe);
    }

    // The generation whose ranks were told what to begin with.
    private Generation _begun = Generation.None;

    private void ToTrainer(Rank rank, object message)
    {
        if (!_trainers.TryGetValue(rank, out var at)) return;
        var (node, epoch) = at;
        if (!_toTrainers.TryGetValue((node, epoch, rank), out var stream))
            _toTrainers[(node, epoch, rank)] = stream =
                new CourierStream<object>(_world.Loop, _world.Network, Process, node.Process, told => node.Command(this, epoch, rank, told), _world.Mutation.Stream);
        _world.Meter?.Passed(message);
        stream.Send(message);
    }

    private void Ended(SyncEffect effect)
    {
        if (_isOver) return;
        _world.Loop.Say($"{Process.Name}: {effect}");
        // The disk was full: whoever runs it frees space and resumes it.
        if (effect is SyncEffect.Failed { Failure.BadInputWhere: "checkpoints/" })
        {
            Process.Kill();
            return;
        }
        (_isOver, _world.End) = (true, effect);
        if (effect is SyncEffect.Failed failed)
        {
            _world.Invariants.Violated($"the run failed: {failed.Failure.Error}");
            _world.IsOver = true;
            return;
        }
        FinishEvaluation();
    }
}

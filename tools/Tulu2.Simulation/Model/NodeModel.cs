using System.Collections.Immutable;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>A node's agent with its trainers: takes ranks of a coordinator, starts, watches and replaces their workers, and keeps them for the next coordinator when one is gone.</summary>
internal sealed class NodeModel
{
    // End of a worker's channel, and how long one may say nothing.
    private static readonly TimeSpan Notice = TimeSpan.FromMilliseconds(45), Local = TimeSpan.FromMilliseconds(0.1), Patience = TimeSpan.FromMinutes(1);

    private readonly World _world;
    private readonly Dictionary<Rank, Trainer> _trainers = [];

    // Workers that nobody commands, by the rank that they were started for.
    private readonly Dictionary<Rank, WorkerModel> _left = [];
    private readonly List<SimulatedProcess> _workers = [];
    private CoordinatorModel? _serves;
    private int _spares = 1, _started;
    private bool _isDraining;

    public NodeModel(World world, string name, int places)
    {
        (_world, Name, Places) = (world, name, places);
        Process = new SimulatedProcess(world.Loop, name);
        Process.OnDeath(() =>
        {
            foreach (var worker in _workers) worker.Kill();
        });
    }

    public string Name { get; }

    public int Places { get; }

    public SimulatedProcess Process { get; }

    /// <summary>The cluster has removed it: nothing that it says counts any more.</summary>
    public bool IsRemoved { get; set; }

    public IEnumerable<SimulatedProcess> Workers => _workers.Where(worker => worker.IsAlive);

    /// <summary>The worker that has a rank now; null: none.</summary>
    public WorkerModel? WorkerOf(Rank rank) => _trainers.GetValueOrDefault(rank)?.Worker;

    public IEnumerable<WorkerModel> Living => _trainers.Values.Select(trainer => trainer.Worker).OfType<WorkerModel>().Concat(_left.Values).Where(worker => worker.Process.IsAlive);

    private sealed class Trainer(CoordinatorModel serves, Rank rank, long incarnations, FeedWindow feed)
    {
        public CoordinatorModel Serves => serves;
        public Rank Rank => rank;
        public FeedWindow Feed { get; set; } = feed;
        public Incarnation Incarnation { get; private set; } = new(incarnations);
        public WorkerModel? Worker { get; set; }
        public bool IsOver { get; set; }
        public void NextIncarnation() => Incarnation = Incarnation.Next();
    }

    /// <summary>A coordinator asks what this node offers.</summary>
    public (int Places, ImmutableArray<Rank> Living) Offer => (Places, [.. _trainers.Keys.Concat(_left.Where(left => left.Value.Process.IsAlive).Select(left => left.Key)).Distinct().Order()]);

    /// <summary>Starts workers for ranks, or goes on with those that are there.</summary>
    public void TakeRanks(CoordinatorModel from, long epoch, ImmutableArray<Rank> ranks)
    {
        if (_isDraining) return;
        if (from != _serves) Leave();
        _serves = from;
        foreach (var rank in ranks)
        {
            // Placed again: the worker of the earlier placement ends.
            if (_trainers.Remove(rank, out var earlier)) Stop(earlier);
            var trainer = _trainers[rank] = new Trainer(from, rank, NodeProtocol.FirstIncarnation(epoch), NewFeed());
            Start(trainer);
        }
    }

    /// <summary>The coordinator that it served is gone: the workers stay, for the next one.</summary>
    public void CoordinatorIsGone(CoordinatorModel gone)
    {
        if (gone == _serves) Leave();
    }

    /// <summary>It is told to end: it does so when its ranks have left it, or after a minute.</summary>
    public void Drain()
    {
        if (_isDraining) return;
        _isDraining = true;
        _serves?.FromNode(this, NodeProtocol.Leaving.Instance);
        Process.After(Patience, Process.Kill);
        EndDrained();
    }

    private void EndDrained()
    {
        if (_isDraining && _trainers.Count == 0) Process.After(_world.About(TimeSpan.FromMilliseconds(100)), Process.Kill);
    }

    /// <summary>A command of a coordinator to the trainer of a rank.</summary>
    public void Command(CoordinatorModel from, long epoch, Rank rank, object message)
    {
        if (!_trainers.TryGetValue(rank, out var trainer) || trainer.Serves != from || NodeProtocol.EpochOf(trainer.Incarnation) != epoch) return;
        switch (message)
        {
            case RankProtocol.Replace replace when replace.Incarnation == trainer.Incarnation:
                Restart(trainer);
                break;
            case RankProtocol.Release:
                _trainers.Remove(rank);
                Stop(trainer);
                EndDrained();
                break;
            case RankProtocol.Command { Body: var command }:
                Send(trainer, command);
                if (command is WorkerCommand.JoinGeneration join) trainer.Feed.Join(join);
                if (command is WorkerCommand.Begin begin) Feed(trainer, trainer.Feed.Begin(begin));
                if (command is WorkerCommand.Commit commit) Feed(trainer, trainer.Feed.Commit(commit));
                break;
            case RankProtocol.ScoreChunk score:
                Send(trainer, new WorkerCommand.Score(score.Generation, score.Step, score.Chunk, RunPlanModel.Batch(0, score.Chunk)));
                break;
        }
    }

    private FeedWindow NewFeed() => FeedWindow.Of(_world.Shape.Layout, new RunPlanModel(_world.Shape), new StepNumber(_world.Shape.Steps), 2);

    private void Leave()
    {
        foreach (var trainer in _trainers.Values)
        {
            trainer.IsOver = true;
            if (trainer.Worker is not { Process.IsAlive: true } worker) continue;
            worker.Serve(null);
            _left[trainer.Rank] = worker;
        }
        _trainers.Clear();
        _serves = null;
        EndDrained();
    }

    private void Start(Trainer trainer)
    {
        trainer.NextIncarnation();
        if (_left.Remove(trainer.Rank, out var left) && left.Process.IsAlive)
        {
            Process.After(_world.About(TimeSpan.FromMilliseconds(20)), () => Attach(trainer, left));
            return;
        }
        var start = _spares > 0 ? _world.Times.TakeOver : _world.Times.Start;
        if (_spares > 0 && --_spares == 0) Process.After(2 * _world.Times.Start, () => _spares++);
        Process.After(_world.About(start), () =>
        {
            if (trainer.IsOver) return;
            var process = new SimulatedProcess(_world.Loop, $"{Name}/worker {++_started}");
            _workers.RemoveAll(old => !old.IsAlive);
            _workers.Add(process);
            Attach(trainer, new WorkerModel(_world, trainer.Rank, process));
        });
    }

    private void Attach(Trainer trainer, WorkerModel worker)
    {
        if (trainer.IsOver || !worker.Process.IsAlive)
        {
            if (trainer.IsOver) worker.Process.Kill();
            else Died(trainer, trainer.Incarnation);
            return;
        }
        var incarnation = trainer.Incarnation;
        trainer.Worker = worker;
        trainer.Feed = NewFeed();
        worker.Process.OnDeath(() => Process.After(Notice, () => Died(trainer, incarnation)));
        worker.Serve(report => Process.After(Local, () =>
        {
            if (!trainer.IsOver && trainer.Incarnation == incarnation && trainer.Worker == worker) Pass(trainer, report);
        }));
    }

    private void Died(Trainer trainer, Incarnation incarnation)
    {
        if (trainer.IsOver || trainer.Incarnation != incarnation) return;
        Say(trainer, new RankProtocol.Lost(trainer.Rank, trainer.Incarnation, "its process ended"));
        trainer.Worker = null;
        Start(trainer);
    }

    private void Restart(Trainer trainer)
    {
        var worker = trainer.Worker;
        trainer.Worker = null;
        worker?.Serve(null);
        if (worker is not null) worker.Process.Kill();
        Start(trainer);
    }

    private static void Stop(Trainer trainer)
    {
        trainer.IsOver = true;
        trainer.Worker?.Serve(null);
        trainer.Worker?.Process.Kill();
    }

    private void Pass(Trainer trainer, WorkerReport report)
    {
        switch (report)
        {
            case WorkerReport.Started started:
                Say(trainer, new RankProtocol.Up(trainer.Rank, trainer.Incarnation, started.Endpoint));
                break;
            case WorkerReport.Leaving leaving:
                Say(trainer, new RankProtocol.Leaving(trainer.Rank, trainer.Incarnation, leaving.Why));
                break;
            case WorkerReport.SlotDone slot:
                Say(trainer, new RankProtocol.Report(report));
                Feed(trainer, trainer.Feed.Done(slot.Step, slot.Slot));
                break;
            default:
                Say(trainer, new RankProtocol.Report(report));
                break;
        }
    }

    private void Say(Trainer trainer, object message) => trainer.Serves.FromNode(this, message);

    private static void Send(Trainer trainer, WorkerCommand command)
    {
        if (trainer.Worker is { } worker) worker.Process.After(Local, () => worker.Take(command));
    }

    private static void Feed(Trainer trainer, IReadOnlyList<(StepNumber Step, SlotNumber Slot)> asked)
    {
        foreach (var (step, slot) in asked) Send(trainer, new WorkerCommand.Feed(RunPlanModel.Batch(step, slot)));
    }
}

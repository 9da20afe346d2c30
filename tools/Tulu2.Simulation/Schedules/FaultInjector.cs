using Tulu2.Simulation.Engine;
using Tulu2.Simulation.Model;

namespace Tulu2.Simulation.Schedules;

/// <summary>Faults of a schedule: at random moments, in pairs that fall close together, and at the points of the protocol where they hurt the most.</summary>
internal sealed class FaultInjector(World world, Membership members)
{
    private readonly List<Action> _healing = [];
    private double _atPoints;
    private int _left;
    private bool _wasWrong;

    /// <summary>Faults that came about.</summary>
    public int Count { get; private set; }

    /// <summary>Plans some faults within a time.</summary>
    public void Plan(int faults, int atPoints, TimeSpan within, IReadOnlyList<Fault> kinds)
    {
        for (var fault = 0; fault < faults; fault++)
        {
            var at = world.Loop.Between(TimeSpan.Zero, within);
            var kind = world.Loop.One(kinds);
            world.Loop.After(at, () => Happen(kind));
            // A second one while the first is dealt with.
            if (world.Loop.Chance(0.4))
            {
                var next = world.Loop.One(kinds);
                world.Loop.After(at + world.Loop.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(400)), () => Happen(next));
            }
        }
        Fault[] sudden =
        [
            .. kinds.Where(kind => kind is Fault.CoordinatorDies or Fault.CoordinatorFreezes or Fault.CoordinatorMachineCrashes or Fault.WorkerDies or Fault.NodeDies)
                .DefaultIfEmpty(Fault.CoordinatorDies),
        ];
        (_left, _atPoints) = (atPoints, 0.01);
        world.At = point =>
        {
            if (_left <= 0 || world.Loop.Now > within || !world.Loop.Chance(_atPoints)) return;
            _left--;
            world.Loop.Say($"at {point}:");
            Happen(world.Loop.One(sudden));
        };
    }

    /// <summary>No more faults, and those that last end.</summary>
    public void Heal()
    {
        _left = 0;
        foreach (var heal in _healing) heal();
        (world.Network.Loss, world.Network.Repeats, world.Network.Echoes, world.Disk.IsFull) = (0, 0, 0, false);
    }

    public void Happen(Fault fault)
    {
        if (world.IsOver) return;
        Count++;
        world.Loop.Say($"fault: {fault}");
        var random = world.Loop;
        NodeModel? node = world.Nodes.Count > 0 ? random.One(world.Nodes) : null;
        var worker = node?.Living.ToArray() is { Length: > 0 } living ? random.One(living) : null;
        switch (fault)
        {
            case Fault.WorkerDies:
                worker?.Process.Kill();
                break;
            case Fault.WorkerFreezes when worker is not null:
                Freeze(worker.Process, random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(40)));
                break;
            // A second one, while all are asked, would leave nobody to believe.
            case Fault.WorkerIsWrong when worker is not null && world.Shape.CheckEvery > 0:
                if (!_wasWrong) worker.Miscomputes = _wasWrong = true;
                break;
            // Nobody would notice it where there is one rank only; and of two, two errors end the run.
            case Fault.WorkerIsWrong when worker is not null && world.Shape.Layout.Size > 1 && world.Shape.Fewest is null && !_wasWrong:
                _wasWrong = true;
                worker.IsCorrupt = true;
                break;
            case Fault.NodeDies:
                node?.Process.Kill();
                break;
            // One that waits for all would wait for ever where there is no room.
            case Fault.RunIsScaled when world.Shape.Fewest is not null:
                var zero = world.Shape.Layout.Zero;
                world.Disk.Data = zero * (1 + random.Random.Next(Math.Max(2, 5 / zero)));
                random.Say($"to {world.Disk.Data} replicas");
                break;
            case Fault.WorkerLeaves:
                worker?.Process.Do(worker.TellToEnd);
                break;
            case Fault.NodeLeaves when node is not null:
                random.Say($"{node.Name}");
                node.Process.Do(node.Drain);
                break;
            case Fault.NodeFreezes when node is not null:
                var time = random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(30));
                // The machine stands still, and all that runs on it.
                foreach (var process in node.Workers.Append(node.Process).ToArray()) Freeze(process, time);
                members.Watch(node, () => node.Process.IsFrozen);
                break;
            case Fault.NodeIsIsolated when node is not null:
                world.Network.Isolate(node.Process);
                After(random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(20)), () => world.Network.Rejoin(node.Process));
                members.Watch(node, () => world.Network.IsIsolated(node.Process));
                break;
            case Fault.CoordinatorDies:
                world.Coordinator?.Process.Kill();
                break;
            case Fault.CoordinatorFreezes when world.Coordinator is { } coordinator:
                Freeze(coordinator.Process, random.Between(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(30)));
                members.Watch(coordinator);
                break;
            case Fault.CoordinatorMachineCrashes when world.Coordinator is { } coordinator:
                if (coordinator.Process.IsAlive) world.Invariants.Lost(world.Disk.LoseUnflushed());
                coordinator.Process.Kill();
                break;
            case Fault.EvaluatorDies when members.Evaluators.Count > 0:
                random.One(members.Evaluators).Process.Kill();
                break;
            case Fault.NetworkIsBad:
                (world.Network.Loss, world.Network.Repeats, world.Network.Most) = (0.25, 0.25, TimeSpan.FromMilliseconds(40));
                After(random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)),
                    () => (world.Network.Loss, world.Network.Repeats, world.Network.Most) = (0, 0, TimeSpan.FromMilliseconds(2)));
                break;
            case Fault.DiskIsFull:
                world.Disk.IsFull = true;
                After(random.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(3)), () => world.Disk.IsFull = false);
                break;
        }
    }

    private void Freeze(SimulatedProcess process, TimeSpan time)
    {
        process.Freeze();
        After(time, process.Thaw);
    }

    // Once: when its time has come, or when all faults end.
    private void After(TimeSpan time, Action heals)
    {
        var isDone = false;
        void Once()
        {
            if (isDone) return;
            isDone = true;
            heals();
        }
        _healing.Add(Once);
        world.Loop.After(time, Once);
    }
}

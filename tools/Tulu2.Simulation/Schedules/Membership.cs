using Tulu2.Simulation.Model;

namespace Tulu2.Simulation.Schedules;

/// <summary>
/// The cluster around the run: who is noticed to be gone, and when; who comes in the place of whom. A dead process is noticed at once, a silent one after ten seconds and more; a member
/// that was removed ends soon after it goes on, and its process supervisor starts it again.
/// </summary>
internal sealed class Membership(World world)
{
    private static readonly TimeSpan Reset = TimeSpan.FromMilliseconds(400), Silence = TimeSpan.FromSeconds(13), Restart = TimeSpan.FromSeconds(3), Goodbye = TimeSpan.FromSeconds(2);

    private readonly HashSet<CoordinatorModel> _removed = [];
    private int _lives;

    public void Begin()
    {
        for (var index = 0; index < world.Shape.Nodes.Count; index++) Start($"node {index}", world.Shape.Nodes[index], 1);
        for (var index = 0; index < (world.Shape.Evaluation is null ? 0 : world.Shape.Evaluators); index++) Evaluate($"evaluator {index}", 1);
        Succeed();
    }

    public List<EvaluatorModel> Evaluators { get; } = [];

    /// <summary>A node does not answer for some time: after a while it is removed.</summary>
    public void Watch(NodeModel node, Func<bool> isSilent) => world.Loop.After(world.Loop.Between(Silence * 0.77, Silence), () =>
    {
        if (!node.IsRemoved && node.Process.IsAlive && isSilent()) Remove(node);
    });

    /// <summary>The same for the coordinator.</summary>
    public void Watch(CoordinatorModel coordinator) => world.Loop.After(world.Loop.Between(Silence * 0.77, Silence), () =>
    {
        if (!coordinator.Process.IsAlive || !coordinator.Process.IsFrozen || !_removed.Add(coordinator)) return;
        world.Loop.Say($"{coordinator.Process.Name} is removed");
        // It finds out when it goes on.
        coordinator.Process.After(world.Loop.Between(TimeSpan.Zero, Goodbye), coordinator.Process.Kill);
        Leave(coordinator);
        if (world.Mutation.IgnoresLock) Succeed();
    });

    private void Start(string name, int places, int life)
    {
        if (world.IsOver) return;
        var node = new NodeModel(world, $"{name}#{life}", places);
        world.Nodes.Add(node);
        node.Process.OnDeath(() =>
        {
            world.Nodes.Remove(node);
            world.Loop.After(world.Loop.Between(Reset / 4, Reset), () => Gone(node));
            world.Loop.After(world.Loop.Between(Restart / 3, Restart), () => Start(name, places, life + 1));
        });
    }

    private void Evaluate(string name, int life)
    {
        if (world.IsOver) return;
        var evaluator = new EvaluatorModel(world, $"{name}#{life}");
        Evaluators.Add(evaluator);
        evaluator.Process.OnDeath(() =>
        {
            Evaluators.Remove(evaluator);
            world.Loop.After(Reset, () => world.Coordinator?.Process.Do(() => world.Coordinator?.EvaluatorIsGone(evaluator.Process.Name)));
            world.Loop.After(Restart, () => Evaluate(name, life + 1));
        });
    }

    private void Remove(NodeModel node)
    {
        world.Loop.Say($"{node.Name} is removed");
        Gone(node);
        // It finds out, and ends: a frozen one when it goes on.
        node.Process.After(world.Loop.Between(TimeSpan.Zero, Goodbye), node.Process.Kill);
    }

    private void Gone(NodeModel node)
    {
        if (node.IsRemoved) return;
        node.IsRemoved = true;
        if (world.Coordinator is { } coordinator) coordinator.Process.Do(() => coordinator.NodeIsGone(node));
    }

    // Nodes keep their workers for the coordinator's successor.
    private void Leave(CoordinatorModel gone)
    {
        foreach (var node in world.Nodes.ToArray())
            world.Loop.After(world.Loop.Between(Reset / 4, Reset), () => node.Process.Do(() => node.CoordinatorIsGone(gone)));
    }

    private void Succeed()
    {
        if (world.IsOver) return;
        if (world.Disk.IsLocked && !world.Mutation.IgnoresLock)
        {
            world.Loop.After(Reset, Succeed);
            return;
        }
        var coordinator = world.Coordinator = new CoordinatorModel(world, ++_lives);
        coordinator.Process.OnDeath(() =>
        {
            if (_removed.Add(coordinator)) Leave(coordinator);
            if (world.Coordinator == coordinator) world.Loop.After(world.Loop.Between(Reset / 2, Restart), Succeed);
        });
    }
}

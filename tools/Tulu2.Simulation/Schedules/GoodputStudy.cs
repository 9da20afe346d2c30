using Tulu2.Collectives.Layout;
using Tulu2.Simulation.Engine;
using Tulu2.Simulation.Model;

namespace Tulu2.Simulation.Schedules;

/// <summary>What a large run would come to.</summary>
/// <param name="Share">The time that its steps take without faults, of the time that it took.</param>
/// <param name="Messages">Of the coordinator, a step.</param>
/// <param name="Busy">Processor time of the coordinator's decisions and encoding a step, as measured on this machine.</param>
internal sealed record Goodput(double Share, int Replayed, double Messages, double Bytes, TimeSpan Busy);

/// <summary>A large run with modelled times: a step of some seconds, nodes of eight ranks, and workers and nodes that fail at a rate. The states are the product's; the times are assumptions.</summary>
internal static class GoodputStudy
{
    private const int NodeRanks = 8;
    private static readonly TimeSpan Slot = TimeSpan.FromSeconds(2), Reduce = TimeSpan.FromSeconds(0.5), Copy = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(20), Reload = TimeSpan.FromSeconds(60);

    /// <param name="failuresPerDay">Of the whole run; one in ten is that of a node.</param>
    /// <param name="standby">Ranks keep copies of one another's state; otherwise a loss goes back to the newest checkpoint.</param>
    public static Goodput Run(int ranks, double failuresPerDay, int steps, bool standby, int seed)
    {
        var loop = new EventLoop(seed);
        var (tensor, pipeline) = ranks >= 512 ? (8, 4) : ranks >= 64 ? (8, 1) : (1, 1);
        var data = ranks / tensor / pipeline;
        var layout = new ParallelLayout(data, tensor, pipeline, data);
        // One node more than the run needs: a lost one has its place filled while it is started again.
        int[] nodes = [.. Enumerable.Repeat(Math.Min(NodeRanks, ranks), ((ranks + NodeRanks - 1) / NodeRanks) + 1)];
        var shape = new RunShape(layout, 2 * data, steps, nodes, CheckpointEvery: 50, Keep: 2, standby);
        var (disk, arithmetic) = (new RunDisk(), new Arithmetic(layout, shape.Slots));
        var times = new Times
        {
            Slot = Slot,
            Reduce = Reduce,
            Load = Reload,
            Start = Start,
            Copy = Copy,
            Shard = TimeSpan.FromSeconds(20),
            Manifest = TimeSpan.FromSeconds(0.5),
            Patience = TimeSpan.FromMinutes(2),
            IsExact = true,
        };
        var plane = new DataPlane(loop) { Takes = what => what switch { "reduce" => Reduce, "copy" or "restore" or "renew" => Copy, _ => TimeSpan.FromMilliseconds(50) } };
        var meter = new ControlMeter();
        var world = new World(loop, shape, times, new Network(loop), plane, disk, arithmetic, new Invariants(loop, shape, arithmetic, disk), Mutation.None) { Meter = meter };
        var members = new Membership(world);
        var faults = new FaultInjector(world, members);
        if (failuresPerDay > 0) Plan();
        members.Begin();
        TimeSpan? began = null;
        while (!world.IsOver && world.Invariants.Violation is null && loop.Next())
            if (began is null && world.Invariants.Commits > 0) began = loop.Now;
        if (world.Invariants.Violation is { } violation) throw new InvalidOperationException(violation);
        var took = loop.Now - began!.Value;
        var ideal = (2 * Slot) + Reduce;
        var made = steps - 1 + world.Invariants.Replayed;
        return new Goodput((steps - 1) * ideal / took, world.Invariants.Replayed, meter.Messages / (double)made, meter.Bytes / (double)made, meter.Busy / made);

        // A Poisson process, as long as the run lasts.
        void Plan() => loop.After(TimeSpan.FromDays(-Math.Log(1 - loop.Random.NextDouble()) / failuresPerDay), () =>
        {
            faults.Happen(loop.Random.Next(10) == 0 ? Fault.NodeDies : Fault.WorkerDies);
            if (!world.IsOver) Plan();
        });
    }
}

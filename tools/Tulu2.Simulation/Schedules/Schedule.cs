using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.Validation;
using Tulu2.Simulation.Engine;
using Tulu2.Simulation.Model;

namespace Tulu2.Simulation.Schedules;

/// <summary>What became of a schedule.</summary>
/// <param name="Violation">What did not hold; null: everything held, and the run ended.</param>
internal sealed record ScheduleOutcome(int Seed, string? Violation, long Events, TimeSpan Took, int Faults, int Commits, int Replayed, int Reloads, int Generations)
{
    /// <summary>Both together; the seed and the violation are those of the first.</summary>
    public ScheduleOutcome And(ScheduleOutcome other) => this with
    {
        Events = Events + other.Events,
        Took = Took + other.Took,
        Faults = Faults + other.Faults,
        Commits = Commits + other.Commits,
        Replayed = Replayed + other.Replayed,
        Reloads = Reloads + other.Reloads,
        Generations = Generations + other.Generations,
    };

    /// <summary>The command that shows it again.</summary>
    public string Command(Mutation mutation) =>
        $"dotnet run -c Release --project tools/Tulu2.Simulation -- --seed {Seed} --schedules 1 --trace{(mutation == Mutation.None ? "" : $" --mutation \"{mutation.Name}\"")}";
}

/// <summary>One run with its faults, all of which a seed decides.</summary>
internal static class Schedule
{
    // A run without faults takes some seconds; after the last fault it is given an hour.
    private static readonly TimeSpan Faulty = TimeSpan.FromSeconds(25), Patience = TimeSpan.FromHours(1);
    private const long MostEvents = 400_000;

    // Changes on purpose: nothing is lost by them.
    private static readonly Fault[] Planned = [Fault.RunIsScaled, Fault.WorkerLeaves, Fault.NodeLeaves];

    public static ScheduleOutcome Run(int seed, Mutation mutation, Action<string>? trace = null)
    {
        var loop = new EventLoop(seed) { Trace = trace };
        var shape = Shape(loop.Random) with { CheckEvery = seed % 4 == 0 ? 1 + seed % 3 : 0 };
        loop.Say($"seed {seed}: {shape}, mutation {mutation.Name}");
        var (disk, arithmetic) = (new RunDisk(), new Arithmetic(shape.Layout, shape.Slots));
        var invariants = new Invariants(loop, shape, arithmetic, disk);
        var world = new World(loop, shape, new Times(), new Network(loop), new DataPlane(loop), disk, arithmetic, invariants, mutation);
        var members = new Membership(world);
        var faults = new FaultInjector(world, members);
        var isAny = mutation.Faults.Count == 0;
        var kinds = isAny ? Kinds(loop.Random, shape.Fewest is not null) : mutation.Faults;
        invariants.IsPlanned = kinds.All(Planned.Contains);
        if (invariants.IsPlanned) faults.Plan(1 + loop.Random.Next(5), atPoints: 0, Faulty / 4, kinds);
        else faults.Plan((isAny ? 0 : 3) + loop.Random.Next(6), (isAny ? 0 : 3) + loop.Random.Next(5), Faulty, kinds);
        if (loop.Chance(0.3)) world.Network.Echoes = 0.1;
        loop.After(Faulty, faults.Heal);
        members.Begin();
        while (!world.IsOver && invariants.Violation is null)
        {
            try
            {
                if (!loop.Next()) invariants.Violated("nothing happens any more, and the run has not ended");
                else if (loop.Now > Faulty + Patience || loop.Events > MostEvents) invariants.Violated($"the run came to a standstill: {world.Coordinator?.State.Phase}");
            }
            catch (Exception fault)
            {
                invariants.Violated($"{fault}");
            }
        }
        if (invariants.Violation is null) invariants.Ended(shape.Steps);
        return new ScheduleOutcome(seed, invariants.Violation, loop.Events, loop.Now, faults.Count, invariants.Commits, invariants.Replayed, invariants.Reloads, invariants.Generations);
    }

    /// <summary>The first schedule in which an error breaks an invariant that holds without it; null: none of them.</summary>
    public static ScheduleOutcome? Catch(Mutation mutation, int seed, int schedules) =>
        Enumerable.Range(seed, schedules).Select(each => Run(each, mutation)).FirstOrDefault(outcome => outcome.Violation is not null);

    private static RunShape Shape(Random random)
    {
        var data = 1 + random.Next(4);
        int tensor = random.Next(4) == 0 ? 2 : 1, pipeline = random.Next(4) == 0 ? 2 : 1;
        var layout = new ParallelLayout(data, tensor, pipeline, random.Next(2) == 0 ? data : data == 4 ? 2 : 1);
        var nodes = 1 + random.Next(3);
        // Each has its part, and some have room for more.
        int[] places = [.. Enumerable.Range(0, nodes).Select(_ => ((layout.Size + nodes - 1) / nodes) + random.Next(2))];
        return new RunShape(layout, 1 + random.Next(8), 4 + random.Next(12), places, random.Next(4), 1 + random.Next(2), random.Next(2) == 0)
        {
            Validation = random.Next(4) == 0 ? new ValidationRules("loss", 2 + random.Next(3), 0, random.Next(2) == 0, false) : null,
            Evaluation = random.Next(4) == 0 ? new EvaluationSchedule(["quick"], 3, ["full"], 6) : null,
            Fewest = random.Next(2) == 0 ? 1 : null,
        };
    }

    // Some schedules are about a few kinds of faults only.
    private static Fault[] Kinds(Random random, bool isElastic)
    {
        if (isElastic && random.Next(4) == 0) return Planned;
        Fault[] all = [.. Enum.GetValues<Fault>().Where(kind => isElastic || !Planned.Contains(kind))];
        return random.Next(2) == 0 ? all : [.. all.Where(_ => random.Next(3) == 0).DefaultIfEmpty(Fault.WorkerDies)];
    }
}

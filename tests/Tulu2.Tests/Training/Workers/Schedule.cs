using FsCheck;
using FsCheck.Fluent;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Workers;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Where the ranks stand and what goes wrong with them, drawn at random.</summary>
internal sealed record Schedule(ParallelLayout Layout, (int Kind, int Rank, int Step, int Slot)[] Faults, int[] PartialCommits)
{
    public FaultPlan Plan()
    {
        var plan = new FaultPlan();
        foreach (var (kind, rank, step, slot) in Faults)
            _ = kind switch
            {
                0 => plan.FailAt(new Rank(rank), new StepNumber(step), new SlotNumber(slot)),
                1 => plan.FailBeforeReduce(new Rank(rank), new StepNumber(step)),
                2 => plan.FailBeforeReady(new Rank(rank), new StepNumber(step)),
                3 => plan.FailBeforeApply(new Rank(rank), new StepNumber(step)),
                4 => plan.FailBeforePiece(new Rank(rank), new StepNumber(step), slot % 4),
                6 => plan.FailBeforeScore(new Rank(rank), new StepNumber(step), new SlotNumber(slot)),
                7 => plan.FailBeforeScore(new Rank(rank), new StepNumber(step), null),
                _ => plan.FailBeforeApplied(new Rank(rank), new StepNumber(step)),
            };
        return plan;
    }

    public override string ToString() => $"{Layout}, faults [{string.Join(", ", Faults)}], commits that reach one rank [{string.Join(", ", PartialCommits)}]";

    // With and without twins, stages, shared matrices and shared optimizer state.
    private static readonly ParallelLayout[] Layouts =
    [
        new(1), new(2), new(3), new(4), new(2, zero: 2), new(4, zero: 2), new(1, tensor: 2), new(1, pipeline: 2), new(2, tensor: 2), new(2, pipeline: 2, zero: 2),
        new(3, tensor: 2, zero: 3), new(4, pipeline: 2, zero: 2), new(2, tensor: 2, pipeline: 2),
    ];

    /// <param name="scores">Faults also where the mismatched sequences of a step are scored.</param>
    public static Arbitrary<Schedule> Draw(int slots, int steps, bool scores = false)
    {
        var schedules =
            from layout in Gen.Elements(Layouts)
            from count in Gen.Choose(0, 4)
            from faults in Gen.ArrayOf(
                from kind in Gen.Choose(0, scores ? 7 : 5)
                from rank in Gen.Choose(0, layout.Size - 1)
                from step in Gen.Choose(1, steps)
                from slot in Gen.Choose(0, slots - 1)
                select (kind, rank, step, slot), count)
            from partial in Gen.SubListOf(Enumerable.Range(1, steps).ToArray())
            select new Schedule(layout, faults, layout.Size == 1 ? [] : [.. partial.Take(2)]);
        return Arb.From(schedules);
    }
}

using Tulu2.Collectives;
using Tulu2.Training.Workers;

namespace Tulu2.Tests.Training.Workers;

/// <summary>What a generation begins with, decided as docs/protocol.md says: held slots are assigned once, missing ones are spread over the ranks.</summary>
internal sealed record Recovery(int Step, StateTransfer Transfer, IReadOnlyList<SlotRange>[] Keep, IReadOnlyList<SlotRange>[] Compute)
{
    public static Recovery Of(IReadOnlyList<WorkerReport.Joined> joined, int slots, StateTransfer initial, int initialStep)
    {
        var ranks = joined.Count;
        var highest = joined.Max(rank => rank.StateStep);
        var behind = Enumerable.Range(0, ranks).Where(rank => joined[rank].StateStep < highest).ToArray();
        var transfer = highest < 0 ? initial
            : behind.Length == 0 ? new StateTransfer.None()
            : new StateTransfer.FromPeer(joined.First(rank => rank.StateStep == highest).Rank, behind);

        var taken = new bool[slots];
        var keep = new IReadOnlyList<SlotRange>[ranks];
        for (var rank = 0; rank < ranks; rank++)
        {
            var kept = highest < 0 || joined[rank].StateStep < highest ? [] : joined[rank].Held.Where(range => !Slots(range).Any(slot => taken[slot])).ToList();
            foreach (var slot in kept.SelectMany(Slots)) taken[slot] = true;
            keep[rank] = kept;
        }
        var missing = Enumerable.Range(0, slots).Where(slot => !taken[slot]).ToArray();
        var compute = Enumerable.Range(0, ranks)
            .Select(rank => (IReadOnlyList<SlotRange>)[.. SlotAssignment.Range(missing.Length, ranks, rank) is { } part ? Slots(part).Select(index => new SlotRange(missing[index], 1)) : []])
            .ToArray();
        return new Recovery((highest < 0 ? initialStep : highest) + 1, transfer, keep, compute);
    }

    public static IEnumerable<int> Slots(SlotRange range) => Enumerable.Range(range.First, range.Count);
}

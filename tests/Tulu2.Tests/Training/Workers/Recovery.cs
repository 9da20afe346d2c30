using Tulu2.Collectives;
using Tulu2.Training.Workers;

namespace Tulu2.Tests.Training.Workers;

/// <summary>What a generation begins with, decided as docs/protocol.md says: held slots are assigned once, missing ones are spread over the ranks.</summary>
internal sealed record Recovery(int Step, StateTransfer Transfer, IReadOnlyList<SlotShare> Shares)
{
    public static Recovery Of(IReadOnlyList<WorkerReport.Joined> joined, int slots, StateTransfer initial, int initialStep)
    {
        var ranks = joined.Count;
        var highest = joined.Max(rank => rank.StateStep);
        var behind = Enumerable.Range(0, ranks).Where(rank => joined[rank].StateStep < highest).ToArray();
        var transfer = highest < 0 ? initial
            : behind.Length == 0 ? new StateTransfer.None()
            : new StateTransfer.FromPeer([new PeerCopy(joined.First(rank => rank.StateStep == highest).Rank, behind)]);

        var shares = SlotAssignment.Recover(slots, [.. joined.Select(rank => highest < 0 || rank.StateStep < highest ? [] : rank.Held)]);
        return new Recovery((highest < 0 ? initialStep : highest) + 1, transfer, shares);
    }

    public static IEnumerable<int> Slots(SlotRange range) => Enumerable.Range(range.First, range.Count);
}

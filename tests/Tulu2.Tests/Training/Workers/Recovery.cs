using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Workers;

namespace Tulu2.Tests.Training.Workers;

/// <summary>What a generation begins with, decided as docs/protocol.md says: held slots are assigned once, missing ones are spread over the replicas.</summary>
/// <param name="Shares">By replica.</param>
internal sealed record Recovery(int Step, StateTransfer Transfer, IReadOnlyList<SlotShare> Shares)
{
    public static Recovery Of(IReadOnlyList<WorkerReport.Joined> joined, ParallelLayout layout, int slots, StateTransfer initial, int initialStep)
    {
        var highest = joined.Max(rank => rank.StateStep);
        var copies = joined.Where(rank => rank.StateStep < highest)
            .GroupBy(rank => layout.Twins(rank.Rank).Cast<int?>().FirstOrDefault(twin => joined[twin!.Value].StateStep == highest))
            .ToArray();
        // Without a twin all begin again where the run began.
        var reload = highest < 0 || copies.Any(copy => copy.Key is null);
        StateTransfer transfer = reload ? initial
            : copies is [] ? new StateTransfer.None()
            : new StateTransfer.FromPeer([.. copies.Select(copy => new PeerCopy(copy.Key!.Value, [.. copy.Select(rank => rank.Rank)]))]);
        var held = Enumerable.Range(0, layout.Data)
            .Select(data => layout.Replica(data).Select(rank => reload || joined[rank].StateStep < highest ? [] : joined[rank].Held)
                .Aggregate<IEnumerable<SlotRange>>((one, other) => one.Intersect(other)).ToArray());
        return new Recovery((reload ? initialStep : highest) + 1, transfer, SlotAssignment.Recover(slots, [.. held]));
    }

    public static IEnumerable<int> Slots(SlotRange range) => Enumerable.Range(range.First, range.Count);
}

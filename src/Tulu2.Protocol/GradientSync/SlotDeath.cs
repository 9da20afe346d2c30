using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>A worker ended while it computed a slot.</summary>
/// <param name="Generation">The one it was lost from. What takes several ranks at once, a node or a hang of ranks that wait for one another, is one incident.</param>
/// <param name="Why">How it ended.</param>
/// <param name="OfMemory">Memory had run out.</param>
internal sealed record SlotDeath(Generation Generation, StepSlot Slot, Rank Rank, string Why, bool OfMemory)
{
    public override string ToString() => $"rank {Rank}: {Why}";
}

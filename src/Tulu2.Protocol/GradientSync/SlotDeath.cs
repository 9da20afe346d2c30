using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>A worker ended while it computed a slot.</summary>
/// <param name="Why">How it ended.</param>
/// <param name="OfMemory">Memory had run out.</param>
internal sealed record SlotDeath(StepSlot Slot, Rank Rank, string Why, bool OfMemory)
{
    public override string ToString() => $"rank {Rank}: {Why}";
}

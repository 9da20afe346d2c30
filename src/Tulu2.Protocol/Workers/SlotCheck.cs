using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>A slot of a step whose gradient is computed twice: both results must be equal, bit for bit, before the step is committed.</summary>
/// <param name="Replicas">Places of the replicas that compute it once more, before their own slots, and add nothing. One whose own the slot is computes it twice.</param>
public sealed record SlotCheck(SlotNumber Slot, IReadOnlyList<int> Replicas);

/// <summary>What a rank computed of the slot of a <see cref="SlotCheck"/>: hashes of its part of the gradient.</summary>
/// <param name="Own">As one of its replica's slots of the step; null: it is another one's.</param>
/// <param name="Again">Once more; null: others were to.</param>
public sealed record CheckedSlot(SlotNumber Slot, string? Own, string? Again);

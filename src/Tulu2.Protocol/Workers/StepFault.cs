using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>Why a step cannot be applied: a value of it is NaN or infinite. Every rank has the same one.</summary>
/// <param name="What">Which value, and what it is: <c>the loss (first in slot 2) is NaN</c>.</param>
/// <param name="Slots">Slots with a loss or, where the ranks look at each, a gradient that is not finite, ascending; empty: only their sum is not.</param>
public sealed record StepFault(string What, IReadOnlyList<SlotNumber> Slots);

using System.Globalization;
using Tulu2.Collectives;

namespace Tulu2.Protocol.Ids;

/// <summary>The place of a slot, one canonical micro-batch, within its step, from 0.</summary>
public readonly record struct SlotNumber(int Value)
{
    // A number by itself, for indexes and comparisons; a number becomes a slot by name only, so that nothing else is taken for one.
    public static implicit operator int(SlotNumber slot) => slot.Value;

    /// <summary>The slots of a range, in order.</summary>
    public static IEnumerable<SlotNumber> In(SlotRange range) => Enumerable.Range(range.First, range.Count).Select(slot => new SlotNumber(slot));

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

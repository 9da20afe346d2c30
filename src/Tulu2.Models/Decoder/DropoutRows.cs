using Tulu2.Data;
using Tulu2.Data.Slots;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.Decoder;

/// <summary>
/// The keys by which dropout drops: of a row, its sequence in its step, the side of a pair, and its position, so that neither the slot nor the rank that the
/// sequence is computed in matters.
/// </summary>
internal static class DropoutRows
{
    /// <param name="rows">Rows of the pass, filler included.</param>
    /// <param name="training">Otherwise nothing is dropped.</param>
    /// <returns>Null: the adapters add, and nothing is dropped.</returns>
    public static AdapterPass? PassOf(AdapterSettings adapter, SlotBatch batch, int rows, bool training)
    {
        if (!training || adapter.Dropout == 0) return null;
        var keys = new ulong[rows];
        var step = SplitMix64.Mix((ulong)batch.Step);
        var sides = Math.Max(1, batch.SegmentLengths.Length / Math.Max(1, batch.Sequences.Length));
        var row = 0;
        for (var segment = 0; segment < batch.SegmentLengths.Length; segment++)
        {
            // A filler segment comes after the sequences.
            var sequence = Math.Min(segment / sides, batch.Sequences.Length - 1);
            var key = SplitMix64.Mix(step ^ (((ulong)(uint)batch.Sequences[sequence] << 1) + (ulong)(segment % sides)));
            for (var at = 0; at < batch.SegmentLengths[segment]; at++, row++) keys[row] = SplitMix64.Mix(key + (ulong)batch.Positions[row] * SplitMix64.Increment);
        }
        return new AdapterPass(false, keys);
    }
}

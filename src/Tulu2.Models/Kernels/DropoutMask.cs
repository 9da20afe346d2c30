using Tulu2.Data;

namespace Tulu2.Models.Kernels;

/// <summary>
/// What dropout drops of a matrix of activations: a pure function of the row's key, the layer and the element's column, so that no cut of the rows or of the
/// columns changes it, and the backward pass finds it again. The generator is counter-based: 64 bits for each row, and of these and the column 32 bits by the
/// finalizer lowbias32.
/// </summary>
/// <param name="rowKeys">[N] keys of the rows.</param>
/// <param name="layer">Key of the layer.</param>
/// <param name="rate">Share that is dropped, in [0, 1).</param>
/// <param name="firstColumn">The first column's place in the whole matrix.</param>
internal sealed class DropoutMask(ulong[] rowKeys, ulong layer, double rate, long firstColumn)
{
    public const uint Column = 0x9E3779B9, First = 0x7FEB352D, Second = 0x846CA68B;

    /// <summary>Bits below this one drop the element.</summary>
    public uint Threshold { get; } = (uint)Math.Round(rate * 4294967296.0);

    /// <summary>What the others are multiplied by.</summary>
    public float Scale { get; } = (float)(1 / (1 - rate));

    public uint FirstColumn { get; } = (uint)firstColumn;

    /// <summary>The row's 64 bits.</summary>
    public ulong KeyOf(long row) => SplitMix64.Mix(rowKeys[row] ^ layer);

    /// <summary>What an element is multiplied by; the kernels compute the same for sixteen at a time.</summary>
    public float Factor(long row, long column)
    {
        var key = KeyOf(row);
        var bits = ((uint)column + FirstColumn) * Column + (uint)key;
        bits = (bits ^ (bits >> 16)) * First + (uint)(key >> 32);
        bits = (bits ^ (bits >> 15)) * Second;
        bits ^= bits >> 16;
        return bits < Threshold ? 0 : Scale;
    }
}

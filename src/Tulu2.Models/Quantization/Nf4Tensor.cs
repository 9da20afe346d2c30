using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tulu2.Models.Quantization;

/// <summary>
/// A matrix [rows, columns] in NF4, whole or a part cut out of one: 4-bit codes, and the scales of the whole matrix's blocks that its elements are in. Its
/// memory is the garbage collector's, and does not move. Nothing in it changes, so that several threads may read it.
/// </summary>
public sealed unsafe class Nf4Tensor
{
    private readonly byte[] _codes;
    private readonly BlockScales _scales;

    // Where the matrix lies in the whole one that was quantised, row by row.
    private readonly long _first, _pitch;

    // Scales are held for every block between the first and the last one, or where this is above 0 so many for each row, which has its blocks for itself.
    private readonly long _scalesOfRow;

    internal Nf4Tensor(long rows, long columns, byte[] codes, BlockScales scales) : this(rows, columns, codes, scales, columns, 0, columns, 0)
    {
    }

    private Nf4Tensor(long rows, long columns, byte[] codes, BlockScales scales, long codesOfRow, long first, long pitch, long scalesOfRow) =>
        (Rows, Columns, _codes, _scales, CodesOfRow, _first, _pitch, _scalesOfRow) = (rows, columns, codes, scales, codesOfRow, first, pitch, scalesOfRow);

    public long Rows { get; }
    public long Columns { get; }

    /// <summary>Codes from the beginning of a row to that of the next: the columns, in a part rounded up to whole bytes.</summary>
    public long CodesOfRow { get; }

    /// <summary>Two codes a byte, the first in the high half; row-major, <see cref="CodesOfRow"/>.</summary>
    public ReadOnlySpan<byte> Codes => _codes;

    /// <summary>Address of <see cref="Codes"/>; valid as long as this object is referenced.</summary>
    public nint CodesAddress => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_codes));

    /// <summary>The scales are held in 8 bits, and not in fp32.</summary>
    public bool IsDoubleQuantized => _scales.IsNested;

    /// <summary>Bytes of codes and scales.</summary>
    public long SizeInBytes => _codes.LongLength + _scales.SizeInBytes;

    /// <summary>Was made by <see cref="Cut"/>.</summary>
    public bool IsPart { get; private init; }

    internal BlockScales Scales => _scales;

    /// <summary>Every row begins with a block and has its blocks for itself, so that scales are held row by row.</summary>
    internal bool RowsHaveOwnBlocks => (_first | _pitch | Columns) % Nf4.Block == 0;

    /// <summary>Where rows have blocks of their own: number of a row's first block in the whole matrix.</summary>
    internal long FirstBlockOf(long row) => (_first + row * _pitch) / Nf4.Block;

    /// <summary>The same from a row to the next.</summary>
    internal long BlockPitch => _pitch / Nf4.Block;

    /// <summary>
    /// The part with <paramref name="rows"/> rows from <paramref name="rowBegin"/> and <paramref name="columns"/> columns from <paramref name="columnBegin"/>:
    /// a copy with the same codes and scales, so that its elements are restored to the same bits, also where the cut is inside a block or a byte. A part itself
    /// is not cut again.
    /// </summary>
    /// <remarks>
    /// A part holds the scales of its own blocks and no others where it takes whole rows, or where its columns begin and end with blocks. Otherwise rows share
    /// blocks, and the scales between those of its first and its last element are all kept.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or not inside.</exception>
    public Nf4Tensor Cut(long rowBegin, long rows, long columnBegin, long columns)
    {
        CheckInside(rowBegin, rows, columnBegin, columns);
        if (IsPart) throw new InvalidOperationException("a part is not cut again");
        var codesOfRow = (columns + 1) / 2 * 2;
        var codes = GC.AllocateUninitializedArray<byte>(checked((int)(rows * codesOfRow / 2)), pinned: true);
        for (var row = 0L; row < rows; row++)
            CopyCodes((rowBegin + row) * CodesOfRow + columnBegin, codes.AsSpan((int)(row * codesOfRow / 2), (int)(codesOfRow / 2)), columns);
        var first = rowBegin * Columns + columnBegin;
        var last = first + (rows - 1) * Columns + columns - 1;
        // Every row has whole blocks for itself.
        var isOwn = (first | Columns | columns) % Nf4.Block == 0;
        var runs = new List<(long, long)>();
        if (isOwn)
            for (var row = 0L; row < rows; row++) runs.Add(((first + row * Columns) / Nf4.Block, columns / Nf4.Block));
        else
            runs.Add((first / Nf4.Block, last / Nf4.Block - first / Nf4.Block + 1));
        var scales = _scales.Pick(runs);
        return new Nf4Tensor(rows, columns, codes, scales, codesOfRow, first, Columns, isOwn ? columns / Nf4.Block : 0) { IsPart = true };
    }

    /// <summary>
    /// Writes level * scale of every element in fp32.
    /// </summary>
    /// <param name="destination">Element (r, c) is written to r * <paramref name="rowStride"/> + c.</param>
    /// <param name="rowStride">In elements; at least the columns.</param>
    public void Restore(float* destination, long rowStride) => Restore(0, Rows, 0, Columns, destination, rowStride);

    /// <summary>The same in bf16, rounded once to nearest even.</summary>
    /// <param name="destination">Element (r, c) is written to r * <paramref name="rowStride"/> + c.</param>
    /// <param name="rowStride">In elements; at least the columns.</param>
    public void RestoreBrain(ushort* destination, long rowStride) => RestoreBrain(0, Rows, 0, Columns, destination, rowStride);

    /// <summary>The fp32 elements, row-major without gaps.</summary>
    public void Restore(Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, Rows * Columns);
        fixed (float* target = destination) Restore(target, Columns);
    }

    /// <summary>As <see cref="Restore(float*, long)"/>, of a part that is not cut out.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or not inside.</exception>
    public void Restore(long rowBegin, long rows, long columnBegin, long columns, float* destination, long rowStride)
    {
        CheckInside(rowBegin, rows, columnBegin, columns);
        fixed (byte* codes = _codes)
            for (var row = rowBegin; row < rowBegin + rows; row++, destination += rowStride)
            {
                var run = FirstRun(row, columnBegin, columns);
                for (var done = 0L; done < columns; done += run.Count, run.Next(columns - done))
                    Nf4Restore.Single(codes, row * CodesOfRow + columnBegin + done, _scales.At(run.Held, run.Block), destination + done, run.Count);
            }
    }

    /// <summary>As <see cref="RestoreBrain(ushort*, long)"/>, of a part that is not cut out.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or not inside.</exception>
    public void RestoreBrain(long rowBegin, long rows, long columnBegin, long columns, ushort* destination, long rowStride)
    {
        CheckInside(rowBegin, rows, columnBegin, columns);
        fixed (byte* codes = _codes)
            for (var row = rowBegin; row < rowBegin + rows; row++, destination += rowStride)
            {
                var run = FirstRun(row, columnBegin, columns);
                for (var done = 0L; done < columns; done += run.Count, run.Next(columns - done))
                    Nf4Restore.Brain(codes, row * CodesOfRow + columnBegin + done, _scales.At(run.Held, run.Block), destination + done, run.Count);
            }
    }

    private BlockRun FirstRun(long row, long column, long columns)
    {
        var element = _first + row * _pitch + column;
        var block = element / Nf4.Block;
        var held = _scalesOfRow > 0 ? row * _scalesOfRow + block - (_first + row * _pitch) / Nf4.Block : block - _first / Nf4.Block;
        return new BlockRun { Held = held, Block = block, Count = (int)Math.Min(Nf4.Block - element % Nf4.Block, columns) };
    }

    /// <summary>
    /// Consecutive elements of a row that are in one block: the block's number in the whole matrix, and the place of its scale among those held.
    /// </summary>
    private struct BlockRun
    {
        public long Held, Block;
        public int Count;

        public void Next(long left)
        {
            Held++;
            Block++;
            Count = (int)Math.Min(Nf4.Block, left);
        }
    }

    private void CopyCodes(long begin, Span<byte> target, long count)
    {
        var source = _codes.AsSpan((int)(begin / 2));
        if (begin % 2 == 0) source[..target.Length].CopyTo(target);
        else
            for (var index = 0; index < target.Length; index++)
                target[index] = (byte)((source[index] << 4) | (index + 1 < source.Length ? source[index + 1] >> 4 : 0));
        // The half byte behind an odd row belongs to no element.
        if (count % 2 != 0) target[^1] = (byte)(target[^1] & 0xF0);
    }

    private void CheckInside(long rowBegin, long rows, long columnBegin, long columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rowBegin);
        ArgumentOutOfRangeException.ThrowIfNegative(columnBegin);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, Rows - rowBegin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, Columns - columnBegin);
    }
}

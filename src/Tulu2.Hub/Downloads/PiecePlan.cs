namespace Tulu2.Hub.Downloads;

/// <summary>Bytes of a file, the second bound exclusive.</summary>
internal readonly record struct Piece(long From, long To)
{
    public int Length => checked((int)(To - From));
}

/// <summary>How a file is cut into pieces that several connections fetch. Pure.</summary>
internal static class PiecePlan
{
    /// <summary>Bytes of a piece: long enough that a request costs little beside it, short enough that some of them fit into memory.</summary>
    public const int PieceBytes = 8 << 20;

    /// <summary>The pieces that are missing behind the bytes that are there, in order.</summary>
    /// <param name="have">Bytes that are there, from the file's beginning.</param>
    public static IEnumerable<Piece> Of(long have, long size, int pieceBytes)
    {
        for (var from = have; from < size; from += pieceBytes) yield return new Piece(from, Math.Min(size, from + pieceBytes));
    }

    /// <summary>The range to ask for; null: the whole file, which every server has.</summary>
    public static (long From, long To)? RangeOf(Piece piece, long size) => piece.From == 0 && piece.To == size ? null : (piece.From, piece.To);
}

using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Bpe;

internal enum PieceKind { Hole, Text, Byte, Special }

/// <summary>Two neighbours become <paramref name="Id"/>; the lowest rank goes first, the leftmost among equals.</summary>
internal readonly record struct Merge(int Rank, int Id);

/// <summary>A token that is cut out of the text before any merge.</summary>
/// <param name="Pattern">The text to search for.</param>
/// <param name="OnNormalized">
/// Search in the normalized text, with spaces and boundary replaced (Hugging Face's <c>normalized</c> flag), rather than in the raw text.
/// </param>
internal sealed record AddedToken(int Id, string Content, string Pattern, bool Special, bool OnNormalized, bool StripLeft, bool StripRight);

internal enum BoundaryRule
{
    /// <summary>No word boundary.</summary>
    None,

    /// <summary>Always added before a non-empty text (SentencePiece's dummy prefix, the Prepend normalizer).</summary>
    Always,

    /// <summary>As <see cref="Always"/>, unless the text already starts with one (Metaspace).</summary>
    UnlessPresent,

    /// <summary>As <see cref="UnlessPresent"/>, and only at the very start even in the library's form (Metaspace, prepend scheme "first").</summary>
    FirstUnlessPresent,
}

internal enum ChunkRule
{
    /// <summary>The text is merged as a whole.</summary>
    Whole,

    /// <summary>Split before every run of boundaries: no piece crosses such a split, so that only the speed changes.</summary>
    BeforeRuns,

    /// <summary>Split before every boundary, as the file asks for (Metaspace with split).</summary>
    BeforeEach,
}

internal sealed record Normalization(BoundaryRule Boundary, bool ReplaceSpaces, bool SplitEachBoundary)
{
    internal const char Mark = '\u2581';

    internal string Apply(ReadOnlySpan<char> text, bool boundary)
    {
        if (text.IsEmpty) return "";
        var startsMarked = text[0] == Mark || (ReplaceSpaces && text[0] == ' ');
        var prefix = boundary && Boundary != BoundaryRule.None && (Boundary == BoundaryRule.Always || !startsMarked) ? 1 : 0;
        var length = text.Length + prefix;
        return string.Create(length, new Source(text, prefix, ReplaceSpaces), static (into, source) =>
        {
            if (source.Prefix == 1) into[0] = Mark;
            var body = into[source.Prefix..];
            if (source.Replace) source.Text.Replace(body, ' ', Mark);
            else source.Text.CopyTo(body);
        });
    }

    private readonly ref struct Source(ReadOnlySpan<char> text, int prefix, bool replace)
    {
        public readonly ReadOnlySpan<char> Text = text;
        public readonly int Prefix = prefix;
        public readonly bool Replace = replace;
    }
}

/// <summary>Everything that decides ids, from either kind of file.</summary>
/// <param name="Pieces">By id; a hole in the numbering is the empty string.</param>
/// <param name="Characters">Pieces of one character, by code point: the symbols before the first merge.</param>
/// <param name="Bytes">[256] ids of the byte pieces, -1 where there is none.</param>
/// <param name="Merges">By (left id, right id), see <see cref="Key"/>.</param>
/// <param name="FuseUnknown">A run of unknown characters becomes one unknown id.</param>
/// <param name="WholeChunks">Ids of pieces that match a whole chunk without any merge; null without the <c>ignore_merges</c> flag.</param>
internal sealed record TokenizerModel(
    string[] Pieces,
    PieceKind[] Kinds,
    Dictionary<int, int> Characters,
    int[] Bytes,
    Dictionary<ulong, Merge> Merges,
    Normalization Normalization,
    IReadOnlyList<AddedToken> AddedTokens,
    bool FuseUnknown,
    Dictionary<string, int>? WholeChunks,
    int BeginningId,
    int EndId,
    int UnknownId,
    int? PadId)
{
    /// <summary>Part of <see cref="ContentKey"/>: raised when the same files start to give other ids.</summary>
    private const string AlgorithmVersion = "sentencepiece-bpe 1";

    internal static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    internal ChunkRule Chunks()
    {
        if (Normalization.SplitEachBoundary) return ChunkRule.BeforeEach;
        // A merge across a boundary would make the split inexact; an unknown boundary could fuse with the unknown run before it.
        var markKnown = Characters.ContainsKey(Normalization.Mark) || Array.TrueForAll(Bytes, id => id >= 0);
        if (!markKnown || WholeChunks is not null) return ChunkRule.Whole;
        foreach (var merge in Merges.Values)
            if (ReachesOverBoundary(Pieces[merge.Id]))
                return ChunkRule.Whole;
        return ChunkRule.BeforeRuns;
    }

    internal string ContentKey()
    {
        IEnumerable<string> parts =
        [
            AlgorithmVersion,
            $"{Normalization.Boundary} {Normalization.ReplaceSpaces} {Normalization.SplitEachBoundary} {FuseUnknown} {WholeChunks is not null}",
            $"{BeginningId} {EndId} {UnknownId} {PadId}",
            .. Pieces,
            string.Concat(Kinds.Select(kind => (char)('0' + (int)kind))),
            .. AddedTokens.OrderBy(token => token.Id).Select(token =>
                $"{token.Id} {token.Pattern} {token.Special} {token.OnNormalized} {token.StripLeft} {token.StripRight}"),
            string.Join(';', Merges.OrderBy(pair => pair.Value.Rank).ThenBy(pair => pair.Key).Select(pair => $"{pair.Key} {pair.Value.Rank} {pair.Value.Id}")),
        ];
        return ContentHash.OfParts(parts);
    }

    private static bool ReachesOverBoundary(string piece)
    {
        for (var i = 1; i < piece.Length; i++)
            if (piece[i] == Normalization.Mark && piece[i - 1] != Normalization.Mark)
                return true;
        return false;
    }
}

using System.Text;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>Builds a <see cref="TokenizerModel"/> from the content of either kind of file, and checks it.</summary>
internal sealed class VocabularyBuilder(string path)
{
    // Ids are array indexes; a broken file must not make us allocate all memory.
    private const int LargestId = 1 << 24;

    private readonly List<string> pieces = [];
    private readonly List<PieceKind> kinds = [];
    private readonly Dictionary<int, AddedToken> added = [];

    internal int Count => pieces.Count;

    internal void Put(int id, string piece, PieceKind kind)
    {
        if (id is < 0 or >= LargestId) throw Broken($"piece {Quote(piece)} has the id {id}");
        while (pieces.Count <= id)
        {
            pieces.Add("");
            kinds.Add(PieceKind.Hole);
        }
        if (kinds[id] != PieceKind.Hole && pieces[id] != piece) throw Broken($"{Quote(pieces[id])} and {Quote(piece)} have the same id {id}");
        (pieces[id], kinds[id]) = (piece, kind);
    }

    internal void Add(NamedToken token, string pattern)
    {
        if (token.Special || token.Id >= Count || kinds[token.Id] == PieceKind.Hole)
            Put(token.Id, token.Content, token.Special ? PieceKind.Special : PieceKind.Text);
        added[token.Id] = new(token.Id, token.Content, pattern, token.Special, token.Normalized, token.StripLeft, token.StripRight);
    }

    internal bool Has(int id) => id < kinds.Count && kinds[id] != PieceKind.Hole;

    internal TokenizerModel Build(
        Dictionary<ulong, Merge> merges, Normalization normalization, bool fuseUnknown, bool ignoreMerges,
        int beginningId, int endId, int unknownId, int? padId)
    {
        foreach (var (id, what) in ((int, string)[])[(beginningId, "beginning"), (endId, "end"), (unknownId, "unknown")])
            if (id < 0 || !Has(id))
                throw new BadInputException(path, $"the {what} token is not in the vocabulary", $"name it in {SpecialTokenFiles.MapName} beside the file");
        var characters = new Dictionary<int, int>();
        var bytes = new int[256];
        Array.Fill(bytes, -1);
        for (var id = 0; id < Count; id++)
        {
            if (kinds[id] == PieceKind.Byte) bytes[Convert.ToByte(pieces[id][3..5], 16)] = id;
            else if (kinds[id] == PieceKind.Text && Rune.DecodeFromUtf16(pieces[id], out var rune, out var length) == System.Buffers.OperationStatus.Done
                && length == pieces[id].Length) characters.TryAdd(rune.Value, id);
        }
        var whole = ignoreMerges
            ? Enumerable.Range(0, Count).Where(id => kinds[id] == PieceKind.Text).ToDictionary(id => pieces[id], id => id)
            : null;
        return new TokenizerModel(
            [.. pieces], [.. kinds], characters, bytes, merges, normalization, [.. added.Values], fuseUnknown, whole, beginningId, endId, unknownId,
            padId is { } pad && pad >= 0 && Has(pad) ? pad : null);
    }

    internal static bool IsBytePiece(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && char.IsAsciiHexDigit(piece[3]) && char.IsAsciiHexDigit(piece[4]);

    internal BadInputException Broken(string what, Exception? inner = null) => new(path, what, "copy or download the file again", inner);

    internal BadInputException Unsupported(string what) =>
        new(path, what, "this program reads SentencePiece-style BPE tokenizers, as the Llama-2 family uses them; give one of these");

    internal static string Quote(string piece) => $"'{piece}'";
}

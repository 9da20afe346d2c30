using System.Text;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Loading;

namespace Tulu2.Data.Tokenizers;

/// <summary>
/// A Llama-style byte-pair tokenizer: U+2581 stands for a space, unknown characters fall back to their bytes. Reads SentencePiece's
/// <c>tokenizer.model</c> and Hugging Face's <c>tokenizer.json</c>. Ids never include a beginning or end token of themselves: add
/// <see cref="BeginningId"/> and <see cref="EndId"/> as ids. Safe to use from several threads.
/// </summary>
public sealed partial class SentencePieceBpeTokenizer : Microsoft.ML.Tokenizers.Tokenizer
{
    private readonly TokenizerModel model;
    private readonly TextEncoder encoder;
    private readonly byte[][] text;
    private readonly Lazy<string> contentKey;
    private readonly Lazy<Dictionary<string, int>> idsByPiece;

    internal SentencePieceBpeTokenizer(TokenizerModel model, string? sourceDirectory = null, IReadOnlyList<string>? sourceFiles = null)
    {
        this.model = model;
        SourceDirectory = sourceDirectory;
        SourceFiles = sourceFiles ?? [];
        encoder = new TextEncoder(model);
        text = TextOfPieces(model);
        contentKey = new(model.ContentKey);
        idsByPiece = new(() =>
        {
            var ids = new Dictionary<string, int>(model.Pieces.Length);
            for (var id = 0; id < model.Pieces.Length; id++)
                if (model.Kinds[id] != PieceKind.Hole)
                    ids.TryAdd(model.Pieces[id], id);
            return ids;
        });
    }

    /// <summary>
    /// Reads a tokenizer from a directory (<c>tokenizer.json</c> where there is one, else <c>tokenizer.model</c>) or from one such file; names of
    /// special tokens come from the <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> beside it.
    /// </summary>
    /// <exception cref="Files.BadInputException">There is no tokenizer, the file is broken or incomplete, or it is a tokenizer of another kind.</exception>
    public static SentencePieceBpeTokenizer Load(string directoryOrFile)
    {
        var (model, directory, files) = TokenizerLoader.Load(directoryOrFile);
        return new SentencePieceBpeTokenizer(model, directory, files);
    }

    /// <summary>One more than the largest id.</summary>
    public int VocabularySize => model.Pieces.Length;

    public int BeginningId => model.BeginningId;

    public int EndId => model.EndId;

    public int UnknownId => model.UnknownId;

    /// <summary>The padding token, where the files name one that is in the vocabulary.</summary>
    public int? PadId => model.PadId;

    /// <summary>SHA-256 over everything that decides ids (vocabulary, merges, normalization, special tokens, algorithm): equal keys give equal ids.</summary>
    public string ContentKey => contentKey.Value;

    /// <summary>The directory it was read from; null for one made in memory.</summary>
    public string? SourceDirectory { get; }

    /// <summary>Full paths of the tokenizer files there, for an export to copy.</summary>
    public IReadOnlyList<string> SourceFiles { get; }

    /// <summary>Text to ids.</summary>
    /// <param name="text">Any text; a lone surrogate counts as U+FFFD.</param>
    /// <param name="boundary">
    /// Put the word boundary before it, as at the start of a sequence (nothing is put before an empty text or one that starts with a special token).
    /// False for text in the middle of a dialogue, after a newline or an end token.
    /// </param>
    /// <param name="parsing">How special tokens in the text are treated; as ordinary text by default.</param>
    public int[] EncodeText(string text, bool boundary, SpecialTokenParsing parsing = SpecialTokenParsing.Never)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        encoder.Encode(text, boundary, parsing, ids);
        return [.. ids];
    }

    /// <summary>Ids to text: the inverse of <see cref="EncodeText"/>. Bytes that are not UTF-8 and ids outside the vocabulary become U+FFFD.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="stripBoundary">Drop the word boundary at the very start. False for ids that continue a text, such as a generated answer.</param>
    /// <param name="keepSpecial">Write special tokens out by name instead of leaving them out.</param>
    public string Decode(IEnumerable<int> ids, bool stripBoundary, bool keepSpecial = false)
    {
        using var bytes = new MemoryStream();
        var started = !stripBoundary;
        foreach (var id in ids) bytes.Write(TextOf(id, keepSpecial, ref started));
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>The piece as the vocabulary writes it (U+2581 for a space, <c>&lt;0x0A&gt;</c> for a byte); empty for an id that is not in use.</summary>
    public string PieceOf(int id) => (uint)id < (uint)model.Pieces.Length ? model.Pieces[id] : "";

    /// <summary>The id of a piece written as in <see cref="PieceOf"/>, or null.</summary>
    public int? IdOf(string piece) => idsByPiece.Value.TryGetValue(piece, out var id) ? id : null;

    internal TokenizerModel Model => model;

    internal bool CutsIntoChunks => encoder.Chunks.Rule == ChunkRule.BeforeRuns;

    /// <summary>The UTF-8 bytes that an id adds to a text, without the boundary at the start of the text.</summary>
    internal ReadOnlySpan<byte> TextOf(int id, bool keepSpecial, ref bool started)
    {
        if ((uint)id >= (uint)model.Kinds.Length || model.Kinds[id] == PieceKind.Hole)
        {
            started = true;
            return "\uFFFD"u8;
        }
        if (model.Kinds[id] == PieceKind.Special && !keepSpecial) return [];
        ReadOnlySpan<byte> bytes = text[id];
        var mayBeBoundary = !started && model.Kinds[id] == PieceKind.Text && model.Normalization.Boundary != BoundaryRule.None;
        if (mayBeBoundary && bytes.StartsWith((byte)' ')) bytes = bytes[1..];
        started = true;
        return bytes;
    }

    private static byte[][] TextOfPieces(TokenizerModel model)
    {
        var text = new byte[model.Pieces.Length][];
        for (var id = 0; id < text.Length; id++)
        {
            var piece = model.Pieces[id];
            text[id] = model.Kinds[id] == PieceKind.Text && model.Normalization.ReplaceSpaces
                ? Encoding.UTF8.GetBytes(piece.Replace(Normalization.Mark, ' '))
                : Encoding.UTF8.GetBytes(piece);
        }
        for (var value = 0; value < 256; value++)
            if (model.Bytes[value] >= 0 && model.Kinds[model.Bytes[value]] == PieceKind.Byte)
                text[model.Bytes[value]] = [(byte)value];
        return text;
    }
}

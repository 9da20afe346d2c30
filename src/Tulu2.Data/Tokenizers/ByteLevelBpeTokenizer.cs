using System.Text;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.ByteLevel;

namespace Tulu2.Data.Tokenizers;

/// <summary>
/// The byte-level pair encoding of GPT-2 and RoBERTa: a text is split into words, a word into its UTF-8 bytes, and these are merged. Reads Hugging Face's
/// <c>tokenizer.json</c>, or <c>vocab.json</c> with <c>merges.txt</c>. Safe to use from several threads.
/// </summary>
/// <remarks>Microsoft.ML.Tokenizers' BpeTokenizer is not used: its splitter works on UTF-16 halves, and it does not read tokenizer.json.</remarks>
public sealed class ByteLevelBpeTokenizer
{
    private readonly TokenizerModel _model;
    private readonly bool _addsSpace;
    private readonly PairMerger _merger;
    private readonly AddedTokenSplitter _all, _ordinary;

    private ByteLevelBpeTokenizer(ByteLevelFiles.Content content)
    {
        (_model, _addsSpace) = (content.Model, content.AddsSpace);
        _merger = new PairMerger(_model);
        _all = new AddedTokenSplitter(_model.AddedTokens.Select(token => (token.Content, token)));
        _ordinary = new AddedTokenSplitter(_model.AddedTokens.Where(token => !token.Special).Select(token => (token.Content, token)));
    }

    /// <exception cref="Files.BadInputException">The directory holds no tokenizer, a file of it is broken, or it is a tokenizer of another kind.</exception>
    public static ByteLevelBpeTokenizer Load(string directory) => new(ByteLevelFiles.Read(directory));

    /// <summary>One more than the largest id.</summary>
    public int VocabularySize => _model.Pieces.Length;

    /// <summary>RoBERTa's <c>&lt;s&gt;</c>.</summary>
    public int BeginningId => _model.BeginningId;

    /// <summary>RoBERTa's <c>&lt;/s&gt;</c>.</summary>
    public int EndId => _model.EndId;

    public int? PadId => _model.PadId;

    /// <summary>The ids of a text, without a beginning or end token.</summary>
    /// <param name="text">Any text; a lone surrogate counts as U+FFFD.</param>
    /// <param name="parsing">How names of special tokens in the text are treated; there are no word boundaries, so <c>Literal</c> and <c>Library</c> are the
    /// same.</param>
    public int[] EncodeText(string text, SpecialTokenParsing parsing = SpecialTokenParsing.Never)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        var splitter = parsing == SpecialTokenParsing.Never ? _ordinary : _all;
        var from = 0;
        while (splitter.TryFind(text, from, out var token, out var start, out var end))
        {
            EncodeStretch(text.AsSpan(from, start - from), ids);
            ids.Add(token.Id);
            from = end;
        }
        EncodeStretch(text.AsSpan(from), ids);
        return [.. ids];
    }

    /// <summary>
    /// One sequence as RoBERTa reads it: <c>&lt;s&gt; text &lt;/s&gt;</c>. A text that is too long loses its end, as with Hugging Face's
    /// <c>truncation=True</c>.
    /// </summary>
    /// <param name="maxLength">Maximum number of ids, at least 2, both special tokens included.</param>
    public int[] EncodeSequence(string text, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 2);
        return [BeginningId, .. EncodeText(text, SpecialTokenParsing.Library).Take(maxLength - 2), EndId];
    }

    /// <summary>Ids to text. Special tokens and ids outside of the vocabulary are left out; bytes that are not UTF-8 become U+FFFD.</summary>
    public string Decode(IEnumerable<int> ids)
    {
        using var bytes = new MemoryStream();
        foreach (var id in ids)
            if ((uint)id < (uint)_model.Pieces.Length && _model.Kinds[id] == PieceKind.Text) bytes.Write(ByteCharacters.Bytes(_model.Pieces[id]));
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private void EncodeStretch(ReadOnlySpan<char> text, List<int> ids)
    {
        if (text.IsEmpty) return;
        if (_addsSpace && text[0] != ' ') text = " " + text.ToString();
        for (var start = 0; start < text.Length;)
        {
            var end = WordSplitter.End(text, start);
            _merger.Encode(ByteCharacters.Of(text[start..end]), ids);
            start = end;
        }
    }
}

using System.Globalization;
using System.Text;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Serving.Served;

/// <summary>The texts of single tokens, as log-probabilities report them. Safe to use from several threads.</summary>
internal sealed class TokenText(SentencePieceBpeTokenizer tokenizer)
{
    // Two threads may write the same text.
    private readonly string?[] _texts = new string?[tokenizer.VocabularySize];

    /// <summary>The token's text; the name of a special token; <c>bytes:\xe2</c> for a byte that is only a part of a character, as in the OpenAI API.</summary>
    public string Of(int id)
    {
        if ((uint)id >= (uint)_texts.Length) return Make(id);
        return _texts[id] ??= Make(id);
    }

    /// <summary>The token's UTF-8 bytes.</summary>
    public byte[] BytesOf(int id) => ByteOf(id) is { } value ? [value] : Encoding.UTF8.GetBytes(Of(id));

    private string Make(int id)
    {
        var text = tokenizer.Decode([id], stripBoundary: false, keepSpecial: true);
        return text == "\uFFFD" && ByteOf(id) is { } value ? $@"bytes:\x{value:x2}" : text;
    }

    // Byte tokens are written <0xE2> in the vocabulary.
    private byte? ByteOf(int id) =>
        tokenizer.PieceOf(id) is ['<', '0', 'x', _, _, '>'] piece
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value)
            ? value : null;
}

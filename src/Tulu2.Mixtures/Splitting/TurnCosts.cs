using System.Text;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;

namespace Tulu2.Mixtures.Splitting;

/// <summary>The cost of a turn: tokens of its text with the beginning token, and 6 for what the chat template adds.</summary>
internal sealed class TurnCosts(SentencePieceBpeTokenizer tokenizer)
{
    private const int Beginning = 1, Template = 6;

    /// <summary>Everything that decides a cost.</summary>
    public string ContentKey => tokenizer.ContentKey;

    /// <summary>Special tokens in the text count as themselves, as with the slow Llama tokenizer that the original used.</summary>
    public int Of(string text) => tokenizer.EncodeText(text, boundary: true, SpecialTokenParsing.Library).Length + Beginning + Template;

    /// <summary>At least the cost, without tokenising: no token is shorter than a byte, and spaces and the word boundary count as three.</summary>
    public static long Bound(string text) => Encoding.UTF8.GetByteCount(text) + 2L * text.AsSpan().Count(' ') + 3L + Beginning + Template;
}

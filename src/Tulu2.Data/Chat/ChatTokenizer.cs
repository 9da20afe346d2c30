using Tulu2.Data.Tokenizers;

namespace Tulu2.Data.Chat;

/// <summary>What the chat template needs of a tokenizer. Must be safe to call from several threads.</summary>
/// <param name="Encode">Ids of a text, never parsed for special tokens; true: a word boundary is put before it.</param>
/// <param name="BeginningId">The token at position 0 of every sequence.</param>
/// <param name="EndId">The token that ends every assistant turn.</param>
/// <param name="ContentKey">A hash of everything that the ids depend on.</param>
public sealed record ChatTokenizer(Func<string, bool, int[]> Encode, int BeginningId, int EndId, string ContentKey)
{
    /// <summary>Text of a dialogue is never parsed for special tokens: an end token written by a user is text.</summary>
    public static ChatTokenizer Of(SentencePieceBpeTokenizer tokenizer) =>
        new((text, boundary) => tokenizer.EncodeText(text, boundary), tokenizer.BeginningId, tokenizer.EndId, tokenizer.ContentKey);
}

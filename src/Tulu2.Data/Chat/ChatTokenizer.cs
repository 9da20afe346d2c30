using Tulu2.Data.Tokenizers;

namespace Tulu2.Data.Chat;

/// <summary>The parts of a tokenizer that the chat template needs. Must be safe to call from several threads.</summary>
/// <param name="Encode">Ids of a text; special tokens in it are plain text. True: with a word boundary before it.</param>
/// <param name="BeginningId">First token of every sequence.</param>
/// <param name="EndId">The token that ends every assistant turn.</param>
/// <param name="ContentKey">Hash of everything that the ids depend on.</param>
public sealed record ChatTokenizer(Func<string, bool, int[]> Encode, int BeginningId, int EndId, string ContentKey)
{
    /// <summary>Special tokens in a dialogue's text are never parsed: an end token typed by a user is plain text.</summary>
    public static ChatTokenizer Of(SentencePieceBpeTokenizer tokenizer) =>
        new((text, boundary) => tokenizer.EncodeText(text, boundary), tokenizer.BeginningId, tokenizer.EndId, tokenizer.ContentKey);
}

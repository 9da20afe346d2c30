using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Runs.Preparation;

internal static class ChatTokenizers
{
    /// <summary>The chat template's view of a tokenizer; special tokens in texts of users and data are never parsed.</summary>
    public static ChatTokenizer Of(SentencePieceBpeTokenizer tokenizer) =>
        new((text, boundary) => tokenizer.EncodeText(text, boundary), tokenizer.BeginningId, tokenizer.EndId, tokenizer.ContentKey);
}

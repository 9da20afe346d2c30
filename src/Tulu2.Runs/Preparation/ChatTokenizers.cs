using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Runs.Preparation;

internal static class ChatTokenizers
{
    /// <summary>What the chat template needs of a tokenizer; texts of users and data are never parsed for special tokens.</summary>
    public static ChatTokenizer Of(SentencePieceBpeTokenizer tokenizer) =>
        new((text, boundary) => tokenizer.EncodeText(text, boundary), tokenizer.BeginningId, tokenizer.EndId, tokenizer.ContentKey);
}

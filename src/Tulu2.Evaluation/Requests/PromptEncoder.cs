using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Evaluation.Requests;

/// <summary>Turns prompts into the tokens that a model reads. Safe to use from several threads.</summary>
/// <param name="chat">The model's chat template, limited to the model's context.</param>
public sealed class PromptEncoder(ChatEncoder chat, SentencePieceBpeTokenizer tokenizer)
{
    public ChatEncoder Chat { get; } = chat;

    public SentencePieceBpeTokenizer Tokenizer { get; } = tokenizer;

    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    public int ContextLength => Chat.MaxLength;

    /// <summary>The ids of a prompt, beginning token included.</summary>
    public int[] Encode(ModelPrompt prompt) => prompt switch
    {
        ModelPrompt.Chat chat => [.. Chat.EncodePrompt(chat.Dialogue, chat.KeepsSpace), .. EncodeContinuation(chat.AnswerPrefix)],
        ModelPrompt.Raw raw => [Tokenizer.BeginningId, .. Tokenizer.EncodeText(raw.Text, boundary: true)],
        _ => throw new NotSupportedException(prompt.GetType().Name),
    };

    /// <summary>The ids of a text that continues another: without a beginning token, and without a space that the text does not have.</summary>
    public int[] EncodeContinuation(string text) => text.Length == 0 ? [] : Tokenizer.EncodeText(text, boundary: false);
}

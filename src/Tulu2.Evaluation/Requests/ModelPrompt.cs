using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Requests;

/// <summary>What a model continues.</summary>
public abstract record ModelPrompt
{
    private ModelPrompt() { }

    /// <summary>A dialogue in the model's chat template, which ends with the tag line of the next assistant turn.</summary>
    /// <param name="AnswerPrefix">The first words of that turn, such as <c>The answer is:</c>; the model continues after them. Empty: none.</param>
    public sealed record Chat(IReadOnlyList<Message> Dialogue, string AnswerPrefix = "") : ModelPrompt
    {
        /// <summary>White space at the ends of turns is kept. Training strips it; open-instruct's evaluations do not.</summary>
        public bool KeepsSpace { get; init; }
    }

    /// <summary>A text as it is, after the tokenizer's beginning token.</summary>
    public sealed record Raw(string Text) : ModelPrompt;

    /// <summary>One user turn in the chat template, or the same text raw, followed by the prefix on either way.</summary>
    public static ModelPrompt Of(bool chat, string text, string answerPrefix = "") =>
        chat ? new Chat([new Message(Message.User, text)], answerPrefix) : new Raw(text + answerPrefix);

    /// <summary>For people: the raw text, the one turn of a dialogue, or all turns with their roles; then the prefix.</summary>
    public string Shown => this switch
    {
        Chat { Dialogue: [var only] } chat => only.Content + After(chat.AnswerPrefix),
        Chat chat => string.Join('\n', chat.Dialogue.Select(turn => $"{turn.Role}: {turn.Content}")) + After(chat.AnswerPrefix),
        Raw raw => raw.Text,
        _ => throw new NotSupportedException(GetType().Name),
    };

    private static string After(string prefix) => prefix.Length == 0 ? "" : $"\n{prefix}";
}

namespace Tulu2.Data.Chat;

/// <summary>How the text after an end token is tokenised (docs/reference/tulu2.md, chat template: ids).</summary>
public enum ChatForm
{
    /// <summary>No word boundary after an end token, as current tokenizers do.</summary>
    Default,
    /// <summary>A word boundary after each end token, as the old slow Hugging Face tokenizer did; for parity only.</summary>
    Legacy,
}

/// <summary>Which tokens are scored (docs/reference/tulu2.md, chat template: scored tokens).</summary>
public enum LossRule
{
    /// <summary>
    /// Every assistant turn: content, end token, and the newline after an end token that does not end the dialogue. The rule of open-instruct.
    /// </summary>
    AssistantTurns,
    /// <summary>Only the last assistant turn's content and end token: preferences.</summary>
    LastAssistantTurn,
}

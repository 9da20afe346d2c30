using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>Generates the next turn of dialogues.</summary>
public interface IChatGenerator
{
    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>The prompt that asks for the next assistant turn of a dialogue.</summary>
    int[] EncodeChat(IReadOnlyList<Message> messages);

    /// <summary>The ids of a prompt: of its text with the chat template, or raw.</summary>
    int[] Encode(ModelPrompt prompt);

    /// <summary>The ids of a text that continues another: without a beginning token, and without a space that the text does not have.</summary>
    int[] EncodeContinuation(string text);

    /// <returns>In the order of the requests.</returns>
    /// <exception cref="Files.BadInputException">An option is out of range, or a prompt fills the context.</exception>
    IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default);
}

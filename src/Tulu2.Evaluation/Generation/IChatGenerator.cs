using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Generation;

/// <summary>Generates the next turn of dialogues.</summary>
public interface IChatGenerator
{
    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>The prompt that asks for the next assistant turn of a dialogue.</summary>
    int[] EncodeChat(IReadOnlyList<Message> messages);

    /// <returns>In the order of the requests.</returns>
    /// <exception cref="Files.BadInputException">An option is out of range, or a prompt fills the context.</exception>
    IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default);
}

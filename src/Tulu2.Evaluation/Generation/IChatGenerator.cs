using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Generation;

/// <summary>What answers dialogues.</summary>
public interface IChatGenerator
{
    /// <summary>Most tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>The ids after which the model answers a dialogue.</summary>
    int[] EncodeChat(IReadOnlyList<Message> messages);

    /// <returns>In the order of the requests.</returns>
    /// <exception cref="Files.BadInputException">An option outside its range, or a prompt that leaves no room in the context.</exception>
    IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default);
}

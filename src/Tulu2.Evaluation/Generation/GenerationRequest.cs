using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>The result of a generation.</summary>
/// <param name="Ids">The generated tokens without the end token, but with those of a stop string.</param>
public sealed record GenerationResult(string Text, FinishReason Finish, int PromptTokens, IReadOnlyList<int> Ids);

/// <summary>A prompt and how to continue it.</summary>
/// <param name="PromptIds">Not empty.</param>
/// <param name="OnText">Called with each new piece of text, whole characters only, as soon as it cannot become part of a stop string.</param>
public sealed record GenerationRequest(int[] PromptIds, GenerationOptions Options, Action<string>? OnText = null)
{
    /// <summary>Source of the prompt, for error messages, such as a file and line.</summary>
    public string Location { get; init; } = "prompt";
}

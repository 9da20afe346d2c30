using Tulu2.Files;

namespace Tulu2.Evaluation.Generation;

/// <summary>How to generate; names and meanings follow the OpenAI API.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to generate (<c>max_tokens</c>); null, or more than the context holds: up to the end of the context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0: always the likeliest token; 1: the model's own distribution.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Draw from the smallest set of likeliest tokens whose probabilities reach this sum (<c>top_p</c>).</summary>
    public double TopP { get; init; } = 1;

    /// <summary>The same seed, prompt and options give the same text; null: another one each time.</summary>
    public long? Seed { get; init; }

    /// <summary>Generation ends before the first of these strings; none of it is ever returned.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    public static GenerationOptions Greedy { get; } = new() { Temperature = 0 };

    /// <exception cref="BadInputException">A value outside its range; the flag is named.</exception>
    public void Validate()
    {
        Require(MaxTokens is null or > 0, "max_tokens", "is not above 0");
        Require(double.IsFinite(Temperature) && Temperature >= 0, "temperature", "is not a number from 0 up");
        Require(TopP is > 0 and <= 1, "top_p", "is not above 0 and up to 1");
        Require(Stop.All(s => s.Length > 0), "stop", "has an empty string");

        static void Require(bool holds, string where, string what)
        {
            if (!holds) throw new BadInputException(where, what, "give a value in this range");
        }
    }
}

/// <summary>Why a text ended: as <c>finish_reason</c> of the OpenAI API.</summary>
public enum FinishReason
{
    /// <summary>The end token or a stop string.</summary>
    Stop,

    /// <summary><see cref="GenerationOptions.MaxTokens"/> or the end of the context.</summary>
    Length,
}

/// <param name="Ids">What was generated, the end token not included; a stop string's tokens are.</param>
public sealed record GenerationResult(string Text, FinishReason Finish, int PromptTokens, IReadOnlyList<int> Ids);

/// <summary>One prompt and how to go on from it.</summary>
/// <param name="PromptIds">Not empty.</param>
/// <param name="OnText">Called with each new piece of text, whole characters only, as soon as it is certain that no stop string takes it back.</param>
public sealed record GenerationRequest(int[] PromptIds, GenerationOptions Options, Action<string>? OnText = null)
{
    /// <summary>Where the prompt comes from, for errors: a file and line.</summary>
    public string Place { get; init; } = "prompt";
}

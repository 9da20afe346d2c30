using Tulu2.Files;

namespace Tulu2.Evaluation.Requests;

/// <summary>Options of a generation; names and meanings follow the OpenAI API.</summary>
public sealed record GenerationOptions
{
    /// <summary>Maximum number of tokens to generate (<c>max_tokens</c>); null, or more than the context holds: up to the end of the context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0: always the most likely token; 1: the model's own distribution.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Sample from the smallest set of most likely tokens whose probabilities sum to at least this (<c>top_p</c>).</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Sample from this many most likely tokens (<c>top_k</c>); 0: from all. Applied before <see cref="TopP"/>, as Hugging Face and vLLM do.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Divides the positive logits of tokens that are in the prompt or in the answer so far by this, and multiplies their negative ones (Keskar et al. 2019, HF
    /// <c>RepetitionPenaltyLogitsProcessor</c>); 1: none. Greedy generation is penalised too.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Independent answers to one prompt (<c>n</c>).</summary>
    public int Count { get; init; } = 1;

    /// <summary>
    /// The same seed, prompt and options give the same text; null: a different text each time. The first answer has this seed, and the seeds of others are a pure
    /// function of it and of their number.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>Generation ends before the first of these strings; none of it is ever returned.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    public static GenerationOptions Greedy { get; } = new() { Temperature = 0 };

    /// <exception cref="BadInputException">A value is out of range; the error names the option.</exception>
    public void Validate()
    {
        Require(MaxTokens is null or > 0, "max_tokens", "is not above 0");
        Require(double.IsFinite(Temperature) && Temperature >= 0, "temperature", "is not a number of at least 0");
        Require(TopP is > 0 and <= 1, "top_p", "is not above 0 and at most 1");
        Require(TopK >= 0, "top_k", "is below 0");
        Require(double.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, "repetition_penalty", "is not a number above 0");
        Require(Count > 0, "n", "is not above 0");
        Require(Stop.All(s => s.Length > 0), "stop", "contains an empty string");

        static void Require(bool holds, string where, string what)
        {
            if (!holds) throw new BadInputException(where, what, "give a value in this range");
        }
    }
}

/// <summary>Why generation ended: <c>finish_reason</c> of the OpenAI API.</summary>
public enum FinishReason
{
    /// <summary>The end token or a stop string.</summary>
    Stop,

    /// <summary><see cref="GenerationOptions.MaxTokens"/> or the end of the context.</summary>
    Length,
}

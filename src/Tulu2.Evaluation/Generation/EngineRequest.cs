using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>A prompt, how to continue it, and what to report.</summary>
/// <param name="PromptIds">Not empty. Not to be changed while the request runs.</param>
/// <param name="Options"><see cref="GenerationOptions.MaxTokens"/> may be 0 where <see cref="PromptLogProbabilities"/> is set: only the prompt is
/// scored.</param>
public sealed record EngineRequest(int[] PromptIds, GenerationOptions Options)
{
    /// <summary>Most alternatives that can be asked for at a place.</summary>
    public const int MaxTop = 100;

    /// <summary>Source of the prompt, for error messages, such as a file and line.</summary>
    public string Location { get; init; } = "prompt";

    /// <summary>
    /// Null: no log-probabilities. Otherwise they are reported for each generated token (and with <see cref="PromptLogProbabilities"/> for the prompt's), with
    /// this many of the most likely alternatives, at most <see cref="MaxTop"/>. They are those of the model's own distribution, before temperature,
    /// penalty, top-k and top-p.
    /// </summary>
    public int? Top { get; init; }

    /// <summary>Reports the prompt's log-probabilities too (<c>echo</c> with <c>logprobs</c> in the OpenAI API).</summary>
    public bool PromptLogProbabilities { get; init; }

    /// <summary>Called for each generated token, on the engine's thread: it must return quickly and must not wait. What it throws ends the request.</summary>
    public Action<EngineToken>? OnToken { get; init; }
}

/// <summary>A generated token, or the end of a sample.</summary>
/// <param name="Sample">Number of the sample, from 0.</param>
/// <param name="Id">Null at the end: the end token and the flushed rest are no tokens of the answer.</param>
/// <param name="Text">New text, whole characters only, that cannot become part of a stop string any more. May be empty.</param>
/// <param name="Score">Null where no log-probabilities are asked for, and at the end.</param>
/// <param name="Finish">Not null exactly once for each sample, in its last call, whose <paramref name="Id"/> is null.</param>
public readonly record struct EngineToken(int Sample, int? Id, string Text, TokenScore? Score, FinishReason? Finish);

/// <summary>The log-probability (natural logarithm) of a token after those before it.</summary>
/// <param name="Top">The most likely tokens at this place, likeliest first (the lower id first among equals); the token itself is not added to them.</param>
public sealed record TokenScore(int Id, float LogProbability, IReadOnlyList<TokenAlternative> Top);

/// <summary>A token that could have been at a place.</summary>
public readonly record struct TokenAlternative(int Id, float LogProbability);

/// <summary>The result of a request.</summary>
/// <param name="PromptTokens">Length of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that were computed for an earlier request.</param>
/// <param name="PromptScores">[prompt] where asked for, the first null as nothing is before it; otherwise empty.</param>
/// <param name="Samples">[<see cref="GenerationOptions.Count"/>]; empty where no token was asked for.</param>
public sealed record EngineResult(int PromptTokens, int CachedTokens, IReadOnlyList<TokenScore?> PromptScores, IReadOnlyList<EngineSample> Samples);

/// <summary>One answer.</summary>
/// <param name="Ids">The generated tokens without the end token, but with those of a stop string.</param>
/// <param name="Scores">[ids] where asked for; otherwise empty.</param>
public sealed record EngineSample(string Text, FinishReason Finish, IReadOnlyList<int> Ids, IReadOnlyList<TokenScore> Scores)
{
    /// <summary>The end token and its score, where log-probabilities were asked for and it ended the answer.</summary>
    public TokenScore? End { get; init; }
}

using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Requests;

/// <summary>A request to <c>/v1/completions</c>.</summary>
/// <param name="Logprobs">Most likely tokens to report for each place; null: no log-probabilities.</param>
/// <param name="BestOf">Samples of each prompt; those with the highest log-probability per token are returned.</param>
internal sealed record CompletionRequest(IReadOnlyList<CompletionPrompt> Prompts, SamplingFields Sampling, int MaxTokens, bool Echo, int? Logprobs, int BestOf)
{
    private const int DefaultMaxTokens = 16, MaxLogprobs = 5;

    public static CompletionRequest Read(JsonFields fields, ServedModel model, ServerSettings settings)
    {
        var sampling = SamplingFields.Read(fields, settings);
        var echo = fields.Flag("echo") ?? false;
        var tokens = fields.Count("max_tokens", 0, int.MaxValue) ?? DefaultMaxTokens;
        var logprobs = fields.Count("logprobs", 0, MaxLogprobs);
        var bestOf = fields.Count("best_of", 1, settings.MaxSamples) ?? sampling.Options.Count;
        if (bestOf < sampling.Options.Count) throw ApiException.Invalid($"Invalid 'best_of': {bestOf} is less than 'n'.", "best_of");
        if (bestOf > sampling.Options.Count && sampling.Stream)
            throw ApiException.Invalid("'best_of' greater than 'n' cannot be streamed.", "best_of", "unsupported_value");
        if (tokens == 0 && !echo) throw ApiException.Invalid("Invalid 'max_tokens': 0 is only for requests with 'echo': true.", "max_tokens");
        var prompts = PromptFields.Read(fields, model, settings.MaxPrompts);
        if ((long)prompts.Count * bestOf > settings.MaxAnswers)
            throw ApiException.Invalid($"Invalid 'n': {prompts.Count} prompts with {bestOf} samples each are more than {settings.MaxAnswers} samples.", "n");
        fields.RefuseOthers();
        // With a full context there is no room for an answer, but log-probabilities of the prompt need none.
        if (tokens > 0 && prompts.Find(prompt => prompt.Ids.Length >= model.Engine.ContextLength) is { } full)
            throw PromptFields.TooLong(full.Ids.Length, "prompt", model);
        return new CompletionRequest(prompts, sampling, tokens, echo, logprobs, bestOf);
    }

    /// <summary>Log-probabilities of the prompt are to be reported.</summary>
    public bool ScoresPrompt => Echo && Logprobs is not null;

    /// <summary>For the engine, one for each prompt.</summary>
    public IEnumerable<EngineRequest> ToEngine() => Prompts.Select(prompt =>
        new EngineRequest(prompt.Ids, Sampling.Options with { MaxTokens = MaxTokens, Count = BestOf })
        {
            // The best are found by their log-probabilities.
            Top = Logprobs ?? (BestOf > Sampling.Options.Count ? 0 : null),
            PromptLogProbabilities = ScoresPrompt,
        });
}

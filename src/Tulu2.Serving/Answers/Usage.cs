using Tulu2.Evaluation.Generation;

namespace Tulu2.Serving.Answers;

/// <summary><c>usage</c>: tokens of the prompts, each counted once, and of all samples, without end tokens.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, Usage.Details PromptTokensDetails)
{
    internal sealed record Details(int CachedTokens);

    public static Usage Of(IReadOnlyCollection<EngineResult> results)
    {
        var prompt = results.Sum(result => result.PromptTokens);
        var completion = results.Sum(result => result.Samples.Sum(sample => sample.Ids.Count));
        return new Usage(prompt, completion, prompt + completion, new Details(results.Sum(result => result.CachedTokens)));
    }
}

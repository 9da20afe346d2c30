using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Remarks about prompts that the model's context made shorter or impossible.</summary>
internal static class PromptRemarks
{
    /// <param name="unanswered">Items whose prompt does not fit.</param>
    /// <param name="shortened">Items whose prompt has fewer examples than it should.</param>
    /// <param name="limit">What examples were dropped for, in words.</param>
    public static IEnumerable<string> Of(BenchmarkInput input, int unanswered, int shortened, string limit = "the model's context")
    {
        if (shortened > 0) yield return $"{NumberText.Count(shortened, "prompt")} with fewer examples, to fit into {limit}";
        if (unanswered > 0)
            yield return $"{NumberText.Count(unanswered, "prompt")} longer than the model's context of {input.Prompts?.ContextLength:N0} tokens, answer included; "
                + "not asked, and counted as an empty answer";
    }
}

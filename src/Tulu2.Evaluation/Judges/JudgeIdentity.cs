namespace Tulu2.Evaluation.Judges;

/// <summary>Which judges are the paper's. Pure.</summary>
public static class JudgeIdentity
{
    /// <summary>Annotators and judges of stored verdicts that are GPT-4 itself: AlpacaEval 1's, FastChat's.</summary>
    private static readonly string[] StoredGpt4 = ["alpaca_eval_gpt4", "alpaca_eval_gpt4_0314", "alpaca_eval_gpt4_0613", "gpt-4", "gpt-4-0314", "gpt-4-0613"];

    private static readonly string[] Gpt4 = ["gpt-4", "gpt-4-0314", "gpt-4-0613"];

    /// <summary>The name of a judge that answers over a network: the model that it says it is, and where.</summary>
    public static string OfEndpoint(string model, Uri endpoint) => $"{model}@{endpoint.Authority}";

    /// <summary>
    /// Whether a judge is the GPT-4 that graded the paper's AlpacaEval and MT-Bench, so that its number may stand in their column: GPT-4 itself (not Turbo, not
    /// 4o), at OpenAI or its Azure service, or stored verdicts of it. Whatever runs elsewhere under that name is not.
    /// </summary>
    /// <param name="judge">A name of <see cref="Tasks.JudgeUse.Judge"/>; several joined by <c>+</c> have to be GPT-4 all.</param>
    public static bool IsPapersGpt4(string judge) => judge.Split('+').All(IsGpt4);

    private static bool IsGpt4(string judge)
    {
        if (judge.Split(':', 2) is ["stored", var name]) return StoredGpt4.Contains(name);
        if (judge.LastIndexOf('@') is not (> 0 and var at)) return false;
        var (model, host) = (judge[..at], judge[(at + 1)..].Split(':')[0]);
        return Gpt4.Contains(model) && (host == "api.openai.com" || host.EndsWith(".openai.azure.com", StringComparison.Ordinal));
    }
}

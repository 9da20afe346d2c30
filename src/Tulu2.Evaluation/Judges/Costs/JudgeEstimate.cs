using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Judges.Costs;

/// <summary>What the verdicts of one role will cost at most, before the model has answered anything; verdicts that are kept already cost nothing.</summary>
/// <param name="Requests">Number of verdicts.</param>
/// <param name="PromptTokens">Estimated, about four characters a token, for answers of the assumed length.</param>
/// <param name="CompletionTokens">Of verdicts at their longest.</param>
public sealed record JudgeEstimate(string Role, int Requests, long PromptTokens, long CompletionTokens)
{
    /// <summary>What a chat model writes on average: AlpacaEval's stored outputs of TÜLU 2 have 1,600 characters.</summary>
    public const int UsualAnswer = 1600;

    /// <summary>In the currency of the table; null: the model is not in it.</summary>
    public double? Cost(JudgePrices prices, string model) => prices.Of(model, PromptTokens, CompletionTokens);

    /// <summary>Asks a benchmark what it would ask about answers of an assumed length.</summary>
    /// <param name="answer">Characters of each answer.</param>
    /// <returns>One for each role that is asked.</returns>
    public static IReadOnlyList<JudgeEstimate> Of(IBenchmark benchmark, IReadOnlyList<BenchmarkItem> items, int answer = UsualAnswer)
    {
        var assumed = new string('x', answer);
        return
        [
            .. items.SelectMany(item => Asked(benchmark, item, assumed)).GroupBy(request => request.Role)
                .Select(role => new JudgeEstimate(role.Key, role.Count(), role.Sum(TokenEstimate.OfPrompt), role.Sum(request => (long)request.MaxTokens))),
        ];
    }

    private static IEnumerable<ModelRequest.Judge> Asked(IBenchmark benchmark, BenchmarkItem item, string assumed)
    {
        var answers = new List<ModelAnswer>();
        while (benchmark.Next(item, answers) is { } request)
        {
            if (request is ModelRequest.Judge judge) yield return judge;
            answers.Add(request switch
            {
                ModelRequest.Generate generate => new ModelAnswer.Text([.. Enumerable.Repeat(assumed, generate.Options.Count)]),
                ModelRequest.LogProbabilities log => new ModelAnswer.LogProbabilities(new float[log.Candidates.Count]),
                ModelRequest.Continuations continuations => new ModelAnswer.LogProbabilities(new float[continuations.Texts.Count]),
                ModelRequest.NextTokens tokens => new ModelAnswer.LogProbabilities(new float[tokens.Texts.Count]),
                ModelRequest.Execute execute => new ModelAnswer.Runs([.. execute.Programs.Select(_ => new CodeOutcome(false, "not run"))]),
                _ => new ModelAnswer.Text(""),
            });
        }
    }
}

using Tulu2.Evaluation.Results;

namespace Tulu2.Runs.Demo;

/// <summary>The last line of <c>demo --json</c>; all rates in [0, 1].</summary>
/// <param name="Benchmarks">Of the model after DPO, on generated items, judged by <see cref="DemoJudge"/>.</param>
/// <param name="Scores">Folder of the benchmarks' items, for <c>report</c> and <c>leaderboard</c>.</param>
internal sealed record DemoResult(double Seconds, ExactMatchRates ExactMatch, PreferenceRates PreferenceAccuracy, IReadOnlyList<TaskResult> Benchmarks, string Scores, string Report, string Export);

/// <summary>Held-out exact match of the three models.</summary>
internal sealed record ExactMatchRates(double Untrained, double Sft, double Dpo);

/// <summary>Held-out preference accuracy before and after DPO.</summary>
internal sealed record PreferenceRates(double Sft, double Dpo);

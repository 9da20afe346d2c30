using System.CommandLine;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Judges.Costs;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary>The options that say who judges, at what pace and at what price.</summary>
internal sealed class JudgeFlags
{
    private const string CacheName = "verdicts";

    private readonly Option<string[]> _judge = CommandBuilder.Repeated("--judge",
        "Who judges, as ROLE=https://HOST/v1#MODEL or ROLE=replay:PATH; without ROLE=, in all roles (`eval list` shows them); may be repeated");

    private readonly Option<string?> _cache = CommandBuilder.Optional<string>("--judge-cache", "Folder that keeps verdicts, so that none is paid for twice; by default OUT/verdicts");
    private readonly Option<string?> _keyFile = CommandBuilder.Optional<string>("--judge-key-file", "File with the judge's key; by default TULU2_JUDGE_KEY or OPENAI_API_KEY");
    private readonly Option<string?> _prices = CommandBuilder.Optional<string>("--judge-prices", "JSON file of prices per million tokens: {\"MODEL\": {\"prompt\": 30, \"completion\": 60}}");
    private readonly Option<int> _parallel = CommandBuilder.Option("--judge-parallel", "Maximum number of requests to a judge at the same time, over all evaluators", new JudgeLimits().Parallel);
    private readonly Option<int?> _requests = CommandBuilder.Optional<int?>("--judge-requests-per-minute", "Maximum number of requests a minute");
    private readonly Option<int?> _tokens = CommandBuilder.Optional<int?>("--judge-tokens-per-minute", "Maximum number of tokens a minute, of prompts and of verdicts at their longest");
    private readonly Option<bool> _bothOrders = CommandBuilder.Flag("--both-orders", "Judge pairs in both orders and take the mean");
    private readonly Option<int> _orderSeed = CommandBuilder.Option("--order-seed", "Seed of the order in which a pair is shown", 0);

    public IReadOnlyList<Symbol> All => [_judge, _cache, _keyFile, _prices, _parallel, _requests, _tokens, _bothOrders, _orderSeed];

    /// <summary>Settings of evaluators with these judges: one for each role that has one.</summary>
    /// <param name="output">Folder of the results; null: there is none.</param>
    /// <param name="processes">Number of processes that judge at the same time.</param>
    /// <exception cref="BadInputException">A judge, a file or a number cannot be used.</exception>
    public EvaluatorSettings Fill(ParseResult parsed, EvaluatorSettings settings, string? output, int processes)
    {
        var given = JudgeSpec.Read(parsed.GetValue(_judge) ?? []);
        var known = BenchmarkCatalogue.All.SelectMany(benchmark => benchmark.Judges).Distinct().ToList();
        if (given.Keys.FirstOrDefault(role => role != JudgeSpec.AnyRole && !known.Contains(role)) is { } unknown)
            throw new BadInputException($"--judge {unknown}=", "is not a role of any task", $"give one of {string.Join(", ", known.Order(StringComparer.Ordinal))}");
        var judges = known.Select(role => (Role: role, Spec: given.GetValueOrDefault(role) ?? given.GetValueOrDefault(JudgeSpec.AnyRole))).Where(judge => judge.Spec is not null)
            .ToDictionary(judge => judge.Role, judge => judge.Spec!);
        _ = JudgePrices.Read(parsed.GetValue(_prices));
        var (parallel, sharers) = (CommandBuilder.AtLeastOne(parsed, _parallel), Math.Max(1, processes));
        return settings with
        {
            Judges = judges,
            JudgeCache = parsed.GetValue(_cache) is { } cache ? Path.GetFullPath(cache) : output is null ? null : Path.Combine(output, CacheName),
            JudgeKeyFile = parsed.GetValue(_keyFile) is { } key ? Path.GetFullPath(key) : null,
            JudgePrices = parsed.GetValue(_prices) is { } prices ? Path.GetFullPath(prices) : null,
            JudgeLimits = new JudgeLimits(Math.Max(1, parallel / sharers), CommandBuilder.AtLeast(1, parsed, _requests), CommandBuilder.AtLeast(1, parsed, _tokens)) { Sharers = sharers },
        };
    }

    /// <summary>The options of benchmarks of pairs.</summary>
    public BenchmarkOptions Fill(ParseResult parsed, BenchmarkOptions options) =>
        options with { BothOrders = parsed.GetValue(_bothOrders), OrderSeed = parsed.GetValue(_orderSeed) };

    /// <summary>What judging will cost at most, a line for each task and role.</summary>
    /// <param name="root">Root of the task data.</param>
    public static IEnumerable<string> Estimates(IEnumerable<IBenchmark> benchmarks, string root, BenchmarkOptions options, EvaluatorSettings settings)
    {
        var prices = JudgePrices.Read(settings.JudgePrices);
        foreach (var benchmark in benchmarks.Where(benchmark => benchmark.IsJudged && benchmark.Folder is not null))
            foreach (var estimate in JudgeEstimate.Of(benchmark, benchmark.ReadWithin(new BenchmarkInput(Path.Combine(root, benchmark.Folder!), options, null)).Items))
            {
                // Others than models behind an address cost nothing.
                if (settings.Judges.GetValueOrDefault(estimate.Role)?.Split('#', 2) is not [_, var model]) continue;
                var cost = estimate.Cost(prices, model) is { } money ? FormattableString.Invariant($", {money:0.00} by the price table") : "";
                yield return $"{benchmark.Name}: {NumberText.Count(estimate.Requests, "verdict")} of {model} at most, about {NumberText.Count(estimate.PromptTokens)} tokens of prompts "
                    + $"and up to {NumberText.Count(estimate.CompletionTokens)} of verdicts{cost}";
            }
    }

    /// <summary>What judging has cost, a line for each task and judge.</summary>
    public static IEnumerable<string> Costs(IEnumerable<TaskResult> results) => results.SelectMany(result => result.JudgeUse.Select(use =>
        $"{result.Task}: {NumberText.Count(use.Requests, "verdict")} of {use.Judge}{(use.Cached > 0 ? $", {NumberText.Count(use.Cached)} more were there already" : "")}, "
        + $"{NumberText.Count(use.PromptTokens)} tokens of prompts and {NumberText.Count(use.CompletionTokens)} of verdicts"
        + (use.Cost is { } cost ? FormattableString.Invariant($", {cost:0.00} by the price table") : "")));
}

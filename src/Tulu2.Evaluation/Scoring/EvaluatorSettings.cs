using System.Text.Json.Serialization;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Shards;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Settings of an evaluator. They travel to evaluator processes as JSON.</summary>
/// <param name="MaxBatch">Maximum number of prompts in a batch.</param>
public sealed record EvaluatorSettings(int MaxBatch, BenchmarkOptions Options)
{
    /// <summary>The processes that hold a model between them.</summary>
    public ShardPlan Shards { get; init; } = ShardPlan.Whole;

    /// <summary>Who judges in each role, in the words of the command line; a role that is absent has no judge.</summary>
    public IReadOnlyDictionary<string, string> Judges { get; init; } = new Dictionary<string, string>();

    /// <summary>Directory in which verdicts are kept, so that none is paid for twice; null: none are kept.</summary>
    public string? JudgeCache { get; init; }

    /// <summary>File with the key of the judges' endpoint; null: the environment has it.</summary>
    public string? JudgeKeyFile { get; init; }

    /// <summary>File of the judges' prices; null: costs are counted in tokens only.</summary>
    public string? JudgePrices { get; init; }

    /// <summary>How fast judges are asked; evaluators in processes of their own share it.</summary>
    public JudgeLimits JudgeLimits { get; init; } = new();

    /// <summary>Programs that models wrote run without isolation where there is none.</summary>
    public bool AllowUnsafeExecution { get; init; }

    /// <summary>What the judges share.</summary>
    [JsonIgnore]
    public JudgeSettings Judging => new() { Cache = JudgeCache, KeyFile = JudgeKeyFile, Prices = JudgePrices, Limits = JudgeLimits };

    public static EvaluatorSettings Default { get; } = new(32, new BenchmarkOptions());
}

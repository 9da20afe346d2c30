using Tulu2.Evaluation.Scoring;
using Tulu2.Protocol.Evaluations;

namespace Tulu2.Cluster.Evaluations;

/// <summary>The evaluation of a run's checkpoints, as the actors execute it.</summary>
public sealed record PoolPlan
{
    // 20 evaluators that died on the same items are no accident.
    private const int Attempts = 20;

    /// <summary>Which checkpoints are scored on what.</summary>
    public required EvaluationSchedule Schedule { get; init; }

    /// <summary>Input and number of items of each benchmark of the schedule.</summary>
    public required IReadOnlyDictionary<string, PoolBenchmark> Benchmarks { get; init; }

    /// <summary>Settings that the items were counted with.</summary>
    public required EvaluatorSettings Settings { get; init; }

    /// <summary>Chooses the best checkpoint; null: none is.</summary>
    public EvaluationMetric? Metric { get; init; }

    /// <summary>The best checkpoint is not deleted before there is a better one.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>What is durable of it.</summary>
    public required IScoreRecord Record { get; init; }

    /// <summary>What earlier sessions of the run have planned and done.</summary>
    public IReadOnlyList<KnownEvaluation> Known { get; init; } = [];

    /// <summary>The name under which evaluators find the model of a step.</summary>
    public required Func<int, string> ModelOf { get; init; }

    /// <summary>Where evaluators of all nodes write outcomes; it exists.</summary>
    public required string OutcomeFolder { get; init; }

    /// <summary>Begins the ids of tasks, and makes them those of this run.</summary>
    public required string Key { get; init; }

    /// <summary>Maximum number of items that an evaluator is given at a time.</summary>
    public int Chunk { get; init; } = 32;

    /// <summary>Evaluators of the coordinator's own node; 0: all are elsewhere.</summary>
    public int Evaluators { get; init; }

    /// <summary>Creates those; null: there are none.</summary>
    public IEvaluatorHosting? Hosting { get; init; }

    /// <summary>A run that has made its last step still has something to score.</summary>
    internal bool HasWork(int lastStep) => !Begin().Ended(lastStep).Next.IsComplete;

    internal EvaluationState Begin() =>
        EvaluationState.Of(Schedule, Benchmarks.ToDictionary(benchmark => benchmark.Key, benchmark => benchmark.Value.Items), Metric, Chunk, Attempts, Known);
}

/// <param name="File">The benchmark's input.</param>
public sealed record PoolBenchmark(string File, int Items)
{
    /// <summary>Its scores depend on how long something takes, as where programs are given so many seconds: its evaluators do not yield the processor.</summary>
    public bool IsTimed { get; init; }
}

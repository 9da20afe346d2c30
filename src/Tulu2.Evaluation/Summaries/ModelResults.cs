using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Summaries;

/// <summary>What is known of one model's scores.</summary>
/// <param name="Name">Unique in the report.</param>
/// <param name="Directory">The result folder, or the run directory.</param>
/// <param name="Tasks">Its results, at most one of each task.</param>
public sealed record ModelResults(string Name, string Directory, IReadOnlyList<TaskItems> Tasks)
{
    public ModelTraits Traits { get; init; } = new();

    /// <summary>Step of the checkpoint that was scored; null: not known, or a model of its own.</summary>
    public int? Step { get; init; }

    /// <summary>Path of the model that training began with; null: not known.</summary>
    public string? Base { get; init; }

    /// <summary>Results of a run's checkpoints, in order of their steps; empty: there are none.</summary>
    public IReadOnlyList<CheckpointResults> Checkpoints { get; init; } = [];
}

/// <summary>The result of a task with its items.</summary>
/// <param name="Items">Empty: they were not kept.</param>
public sealed record TaskItems(TaskResult Result, IReadOnlyList<ItemScore> Items);

/// <summary>Results of one checkpoint.</summary>
public sealed record CheckpointResults(int Step, IReadOnlyList<TaskResult> Tasks);

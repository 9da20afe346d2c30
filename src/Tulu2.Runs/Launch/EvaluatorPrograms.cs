using Tulu2.Cluster.Evaluations;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Tasks;
using Tulu2.Evaluation.Workers;

namespace Tulu2.Runs.Launch;

/// <summary>Where evaluators compute.</summary>
internal static class EvaluatorPrograms
{
    /// <param name="inProcess">In this process, which then loads libtorch; otherwise each in a process of its own.</param>
    /// <param name="log">Takes what the processes print.</param>
    public static IEvaluatorFactory Factory(bool inProcess, EvaluatorSettings settings, string? log) =>
        inProcess ? new EvaluatorFactory(settings, WorkerEntry.Shards(_ => { /* The process may have a display. */ })) : new ProcessEvaluatorFactory(WorkerEntry.Evaluator, settings, log);
}

/// <summary>Evaluators of checkpoints, each a process of its own.</summary>
/// <param name="log">Takes what the processes print; null: it is discarded.</param>
internal sealed class CheckpointEvaluators(string? log) : IEvaluatorHosting
{
    /// <summary>Where the parts of a model that is divided are held, if not on this machine: as many as there are, since no result depends on the number.</summary>
    public ShardPlan Shards { get; init; } = ShardPlan.Whole;

    /// <summary>Where an evaluator's process makes models of checkpoints, if not below the folder for temporary files.</summary>
    public const string FolderVariable = "TULU2_CHECKPOINT_MODELS";

    public IEvaluator Create(EvaluatorSettings settings, bool yieldsProcessor)
    {
        var own = Shards.IsRemote && settings.Shards.Count > 1 ? settings with { Shards = Shards } : settings;
        var program = own.Shards.Folder is { } folder ? WorkerEntry.Evaluator with { Environment = new Dictionary<string, string> { [FolderVariable] = folder } } : WorkerEntry.Evaluator;
        return new ProcessEvaluatorFactory(program, own, log) { YieldsProcessor = yieldsProcessor }.Create();
    }
}

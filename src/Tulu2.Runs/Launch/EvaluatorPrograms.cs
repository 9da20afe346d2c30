using Tulu2.Cluster.Evaluations;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Evaluation.Workers;

namespace Tulu2.Runs.Launch;

/// <summary>Where evaluators compute.</summary>
internal static class EvaluatorPrograms
{
    /// <param name="inProcess">In this process, which then loads libtorch; otherwise each in a process of its own.</param>
    /// <param name="log">Takes what the processes print.</param>
    public static IEvaluatorFactory Factory(bool inProcess, EvaluatorSettings settings, string? log) =>
        inProcess ? new EvaluatorFactory(settings) : new ProcessEvaluatorFactory(WorkerEntry.Evaluator, settings, log);
}

/// <summary>Evaluators of checkpoints, each a process of its own.</summary>
/// <param name="log">Takes what the processes print; null: it is discarded.</param>
internal sealed class CheckpointEvaluators(string? log) : IEvaluatorHosting
{
    public IEvaluator Create(EvaluatorSettings settings, bool yieldsProcessor) =>
        new ProcessEvaluatorFactory(WorkerEntry.Evaluator, settings, log) { YieldsProcessor = yieldsProcessor }.Create();
}

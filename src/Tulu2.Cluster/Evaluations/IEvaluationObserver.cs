using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Evaluations;

/// <summary>Called in order, one call at a time.</summary>
public interface IEvaluationObserver
{
    /// <param name="done">Tasks with an accepted outcome.</param>
    void TaskDone(EvaluationOutcome outcome, int done, int total);

    /// <summary>An evaluator died and its task was queued again.</summary>
    void EvaluatorRestarted(int evaluator, string reason);
}

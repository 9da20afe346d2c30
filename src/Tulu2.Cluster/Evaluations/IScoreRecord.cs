using Tulu2.Protocol.Evaluations;

namespace Tulu2.Cluster.Evaluations;

/// <summary>The scores of a run's checkpoints on disk. Called on one thread of its own, never on an actor's. What it has returned from is durable.</summary>
public interface IScoreRecord
{
    /// <summary>The checkpoint of a step will be scored on these benchmarks.</summary>
    void Begin(int step, IReadOnlyList<string> benchmarks);

    /// <summary>Takes in the outcome that an evaluator wrote, and deletes its file.</summary>
    /// <param name="task">Id of the task.</param>
    /// <param name="file">Its name in the plan's folder for outcomes.</param>
    /// <returns>Null: the file is not there, or holds no outcome of that task.</returns>
    KeptOutcome? Keep(ScoringWork work, string task, string file);

    /// <summary>Computes the score of a benchmark all of whose items are kept.</summary>
    FinishedScore Finish(int step, string benchmark);

    /// <summary>Deletes an outcome that nobody wants.</summary>
    void Discard(string file);

    /// <summary>Outcomes that evaluators wrote and that were not taken in: id of the task and name of the file.</summary>
    IReadOnlyList<(string Task, string File)> Unheard();
}

/// <param name="Total">Sum of the items' scores.</param>
public sealed record KeptOutcome(int Items, double Total);

/// <param name="Score">In the benchmark's unit.</param>
/// <param name="Text">The score for a person.</param>
public sealed record FinishedScore(double Score, string Text, int Items);

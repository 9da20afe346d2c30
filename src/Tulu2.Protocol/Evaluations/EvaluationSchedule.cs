namespace Tulu2.Protocol.Evaluations;

/// <summary>
/// Which benchmarks the checkpoints of a run are scored on. A suite is due at the first checkpoint at or after each multiple of its interval; at the end of the run
/// both are. Pure.
/// </summary>
/// <param name="Quick">Benchmarks of the quick suite.</param>
/// <param name="Every">Steps between two checkpoints that it scores, at least 1.</param>
/// <param name="Full">Benchmarks of the full suite.</param>
/// <param name="FullEvery">Steps between two checkpoints that it scores; 0: the last one only.</param>
public sealed record EvaluationSchedule(IReadOnlyList<string> Quick, int Every, IReadOnlyList<string> Full, int FullEvery)
{
    /// <summary>All benchmarks, those of the quick suite first.</summary>
    public IReadOnlyList<string> All { get; } = [.. Quick.Union(Full)];

    /// <summary>What the checkpoint of a step is to be scored on.</summary>
    /// <param name="planned">Steps whose checkpoints are scored on a benchmark, or will be: those that are planned already are not planned again.</param>
    public IReadOnlyList<string> Due(int step, Func<string, IEnumerable<int>> planned)
    {
        IEnumerable<string> quick = Quick.Where(benchmark => IsDue(Every, benchmark)), full = FullEvery == 0 ? [] : Full.Where(benchmark => IsDue(FullEvery, benchmark));
        return [.. quick.Union(full)];

        bool IsDue(int every, string benchmark) => step >= every && !planned(benchmark).Any(other => other == step || other / every == step / every);
    }

    /// <summary>What the run's last checkpoint is to be scored on: everything, but for what is planned.</summary>
    public IReadOnlyList<string> AtEnd(int step, Func<string, IEnumerable<int>> planned) => [.. All.Where(benchmark => !planned(benchmark).Contains(step))];
}

/// <summary>The benchmark by which the best checkpoint is chosen.</summary>
public sealed record EvaluationMetric(string Benchmark, bool IsLowerBetter)
{
    /// <summary>The step with the best score; of equal ones the first. Scores that are no numbers do not count. Null: there is none.</summary>
    public (int Step, double Score)? Best(IEnumerable<(int Step, double Score)> scores)
    {
        (int Step, double Score)? best = null;
        foreach (var next in scores.Where(score => double.IsFinite(score.Score)).OrderBy(score => score.Step))
            if (best is not { } held || (IsLowerBetter ? next.Score < held.Score : next.Score > held.Score)) best = next;
        return best;
    }
}

using Tulu2.Cluster.Ledger;
using Tulu2.Protocol.Evaluations;

namespace Tulu2.Simulation.Model;

/// <summary>The pool that scores the run's checkpoints.</summary>
internal sealed partial class CoordinatorModel
{
    public static readonly IReadOnlyDictionary<string, int> Benchmarks = new Dictionary<string, int> { ["quick"] = 7, ["full"] = 11 };

    private static readonly TimeSpan EvaluationLease = TimeSpan.FromSeconds(20), Record = TimeSpan.FromMilliseconds(20);

    // Null: no checkpoint is scored.
    private EvaluationState? _evaluation;
    private bool _isFinishing;

    private void BeginEvaluation()
    {
        if (_world.Shape.Evaluation is not { } schedule) return;
        var disk = _world.Disk;
        var known = disk.Planned.Select(task => new KnownEvaluation(task.Step, task.Benchmark, disk.Scored.GetValueOrDefault(task, []).ToHashSet(),
            disk.Scores.TryGetValue(task, out var score) ? score : null));
        _evaluation = EvaluationState.Of(schedule, Benchmarks, new EvaluationMetric("quick", IsLowerBetter: false), chunk: 4, attempts: int.MaxValue, known);
        // A checkpoint may have been written without that its coordinator lived to plan its evaluation.
        foreach (var step in disk.Manifests.Keys) Plan(step);
        foreach (var (work, file) in disk.Outcomes.ToArray()) Offer(ScoringWork.Parse(work)!, file, () => { });
        foreach (var (step, benchmark) in _evaluation.Unscored.ToArray()) FinishBenchmark(step, benchmark);
        Process.After(Second, Expire);
    }

    private void Expire()
    {
        (_evaluation, _) = _evaluation!.Expire(_world.Loop.Now);
        if (!_world.IsOver) Process.After(Second, Expire);
    }

    private void Written(int step)
    {
        if (_evaluation is not null) Plan(step);
    }

    private void Plan(int step)
    {
        (_evaluation, var due) = _evaluation!.Written(step);
        foreach (var benchmark in due) _world.Disk.Planned.Add((step, benchmark));
    }

    /// <summary>An evaluator asks for work.</summary>
    public void Ask(string evaluator, long number, Action<ScoringWork> grant)
    {
        if (_evaluation is null) return;
        (_evaluation, var lease) = _evaluation.Ask(evaluator, number, _world.Loop.Now, EvaluationLease);
        if (lease is not null) grant(lease.Work);
    }

    /// <summary>An evaluator has written an outcome.</summary>
    public void Scored(string evaluator, long number, ScoringWork work, string file, Action taken)
    {
        if (_evaluation is null) return;
        _evaluation = _evaluation.Renew(evaluator, number, _world.Loop.Now, EvaluationLease);
        Offer(work, file, taken);
    }

    public void EvaluatorIsGone(string evaluator) => _evaluation = _evaluation?.Lose(evaluator);

    private void Offer(ScoringWork work, string file, Action taken)
    {
        (_evaluation, var use) = _evaluation!.Offer(work.Name);
        if (_world.Mutation.KeepsEveryOutcome) use = OutcomeUse.Keep;
        switch (use)
        {
            case OutcomeUse.Keep:
                Process.After(_world.About(Record), () => Keep(work, file, taken));
                break;
            case OutcomeUse.None:
                _world.Disk.Outcomes.Remove(work.Name);
                taken();
                break;
        }
    }

    private void Keep(ScoringWork work, string file, Action taken)
    {
        if (!_world.Disk.Outcomes.Remove(work.Name) && !_world.Mutation.KeepsEveryOutcome)
        {
            _evaluation = _evaluation!.Refuse(work.Name);
            taken();
            return;
        }
        _world.Invariants.Kept(work.Step, work.Benchmark, work.First, work.Count);
        _world.At("OutcomeKept");
        Process.Do(() =>
        {
            (_evaluation, var isLast) = _evaluation!.Keep(work);
            _ledger.Append(new LedgerEvent.EvaluationDone(work.Name, 1, work.Count, file.Length));
            taken();
            if (isLast) FinishBenchmark(work.Step, work.Benchmark);
        });
    }

    private void FinishBenchmark(int step, string benchmark) => Process.After(_world.About(Record), () =>
    {
        _world.Invariants.Scored(step, benchmark, 1.0 / step);
        (_evaluation, _) = _evaluation!.Scored(step, benchmark, 1.0 / step);
        EndIfDone();
    });

    private void FinishEvaluation()
    {
        _isFinishing = true;
        if (_evaluation is not null)
        {
            (_evaluation, var due) = _evaluation.Ended(_world.Shape.Steps);
            foreach (var benchmark in due) _world.Disk.Planned.Add((_world.Shape.Steps, benchmark));
        }
        EndIfDone();
    }

    private void EndIfDone()
    {
        if (!_isFinishing || _evaluation is { IsComplete: false }) return;
        _ledger.Append(new LedgerEvent.RunFinished(_world.Shape.Steps, "completed", null, null));
        _ledger.WhenDurable(() => _world.IsOver = true);
    }
}

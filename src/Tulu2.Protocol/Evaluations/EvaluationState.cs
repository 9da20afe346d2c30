using System.Collections.Immutable;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Protocol.Evaluations;

/// <summary>What becomes of an outcome that an evaluator has sent.</summary>
public enum OutcomeUse
{
    /// <summary>Nobody wants it: the work is done, given up or unknown.</summary>
    None,

    /// <summary>It is to be made durable; then it counts.</summary>
    Keep,

    /// <summary>Another outcome of the same work is being made durable.</summary>
    Wait,
}

/// <summary>
/// The evaluation of a run: which checkpoint is to be scored on what, who does it, what is done, and which checkpoint is the best so far. Each item of each
/// checkpoint counts once, however evaluators come and go and messages are lost, repeated or late. Immutable: no clock, no disk, no actor.
/// </summary>
public sealed record EvaluationState
{
    private readonly EvaluationSchedule _schedule;
    private readonly IReadOnlyDictionary<string, int> _items;
    private readonly EvaluationMetric? _metric;
    private readonly int _chunk;

    private EvaluationState(EvaluationSchedule schedule, IReadOnlyDictionary<string, int> items, EvaluationMetric? metric, int chunk, int attempts) =>
        (_schedule, _items, _metric, _chunk, Pool) = (schedule, items, metric, chunk, WorkPool<ScoringWork>.Of(attempts));

    private WorkPool<ScoringWork> Pool { get; init; }

    // Items that are not scored yet, by step and benchmark.
    private ImmutableSortedDictionary<(int Step, string Benchmark), int> Left { get; init; } = ImmutableSortedDictionary<(int, string), int>.Empty;
    private ImmutableSortedDictionary<(int Step, string Benchmark), double> Scores { get; init; } = ImmutableSortedDictionary<(int, string), double>.Empty;
    private ImmutableHashSet<(int Step, string Benchmark)> GivenUp { get; init; } = [];
    private ImmutableHashSet<string> Writing { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <param name="items">Number of items of each benchmark of the schedule.</param>
    /// <param name="metric">Null: no checkpoint is the best.</param>
    /// <param name="chunk">Maximum number of items that are given out at a time.</param>
    /// <param name="attempts">Failures of the same items after which their benchmark is given up on that checkpoint.</param>
    /// <param name="known">What earlier sessions of the run have planned and done.</param>
    public static EvaluationState Of(
        EvaluationSchedule schedule, IReadOnlyDictionary<string, int> items, EvaluationMetric? metric, int chunk, int attempts, IEnumerable<KnownEvaluation> known)
    {
        var state = new EvaluationState(schedule, items, metric, chunk, attempts);
        foreach (var evaluation in known.OrderBy(evaluation => evaluation.Step)) state = state.Plan(evaluation);
        return state;
    }

    /// <summary>Everything that was planned is scored, or given up.</summary>
    public bool IsComplete => ItemsLeft == 0 && Left.Keys.All(task => Scores.ContainsKey(task) || GivenUp.Contains(task));

    /// <summary>Items that are to be scored yet.</summary>
    public int ItemsLeft => Left.Where(task => !GivenUp.Contains(task.Key)).Sum(task => task.Value);

    /// <summary>Items of all that was planned.</summary>
    public int Items => Left.Keys.Sum(task => _items.GetValueOrDefault(task.Benchmark));

    /// <summary>Outcomes of work that was done already.</summary>
    public int Duplicates => Pool.Duplicates;

    /// <summary>Evaluators that have asked for work and are not lost.</summary>
    public int Evaluators => Pool.Workers;

    /// <summary>The best checkpoint so far, by the metric; null: none.</summary>
    public (int Step, double Score)? Best =>
        _metric?.Best(Scores.Where(score => score.Key.Benchmark == _metric.Benchmark).Select(score => (score.Key.Step, score.Value)));

    /// <summary>Benchmarks all of whose items are durable and whose score is to be computed, as after an earlier session that was killed then.</summary>
    public IEnumerable<(int Step, string Benchmark)> Unscored =>
        Left.Where(task => task.Value == 0 && !Scores.ContainsKey(task.Key) && !GivenUp.Contains(task.Key)).Select(task => task.Key);

    /// <summary>Steps whose checkpoints are needed: those to be scored.</summary>
    public ImmutableSortedSet<int> Needed => [.. Left.Keys.Where(task => !Scores.ContainsKey(task) && !GivenUp.Contains(task)).Select(task => task.Step)];

    /// <summary>The next step that an evaluator will be given work of, after one of this step; null: none is known.</summary>
    public int? After(int step) => Pool.Waiting.Where(work => work.Step != step && !IsGivenUp(work)).Select(work => (int?)work.Step).FirstOrDefault();

    /// <summary>The checkpoint of a step was written.</summary>
    /// <returns>What it is to be scored on; empty: nothing.</returns>
    public (EvaluationState Next, IReadOnlyList<string> Due) Written(int step) => Plan(step, _schedule.Due(step, StepsOf));

    /// <summary>The run has ended with the checkpoint of this step.</summary>
    /// <returns>What it is to be scored on besides what was planned.</returns>
    public (EvaluationState Next, IReadOnlyList<string> Due) Ended(int step) => Plan(step, _schedule.AtEnd(step, StepsOf));

    /// <summary>An evaluator asks for work: see <see cref="WorkPool{T}.Ask"/>.</summary>
    public (EvaluationState Next, Lease<ScoringWork>? Lease) Ask(string evaluator, long number, TimeSpan now, TimeSpan duration)
    {
        var state = this;
        while (true)
        {
            var (pool, lease) = state.Pool.Ask(evaluator, number, now, duration);
            state = state with { Pool = pool };
            if (lease is null || !state.IsGivenUp(lease.Work)) return (state, lease);
            // It is not wanted any more.
            state = state with { Pool = pool.Complete(lease.Work.Name).Next };
        }
    }

    /// <summary>An evaluator is at work, or waits until its outcome is durable.</summary>
    public EvaluationState Renew(string evaluator, long number, TimeSpan now, TimeSpan duration) => this with { Pool = Pool.Renew(evaluator, number, now, duration) };

    /// <summary>An outcome has come.</summary>
    public (EvaluationState Next, OutcomeUse Use) Offer(string work)
    {
        if (Pool.IsDone(work) is not false || Writing.Contains(work)) return (this, Writing.Contains(work) ? OutcomeUse.Wait : OutcomeUse.None);
        return (this with { Writing = Writing.Add(work) }, OutcomeUse.Keep);
    }

    /// <summary>The outcome of the work is durable: it counts.</summary>
    /// <returns>The whole benchmark is scored now.</returns>
    public (EvaluationState Next, bool IsLast) Keep(ScoringWork work)
    {
        var (pool, accepted) = Pool.Complete(work.Name);
        var state = this with { Pool = pool, Writing = Writing.Remove(work.Name) };
        var task = (work.Step, work.Benchmark);
        if (!accepted || !Left.TryGetValue(task, out var left)) return (state, false);
        return (state with { Left = Left.SetItem(task, left - work.Count) }, left == work.Count && !IsGivenUp(work));
    }

    /// <summary>What came was no outcome of the work, which is still to be done.</summary>
    public EvaluationState Refuse(string work) => this with { Writing = Writing.Remove(work) };

    /// <summary>All items of a benchmark are scored.</summary>
    /// <returns>It makes the checkpoint the best so far.</returns>
    public (EvaluationState Next, bool IsBest) Scored(int step, string benchmark, double score)
    {
        var next = this with { Scores = Scores.SetItem((step, benchmark), score) };
        return (next, _metric?.Benchmark == benchmark && next.Best is { } best && best.Step == step);
    }

    /// <summary>See <see cref="WorkPool{T}.Fail"/>.</summary>
    public (EvaluationState Next, ScoringWork? Exhausted) Fail(string evaluator, long number, string why)
    {
        var (pool, exhausted) = Pool.Fail(evaluator, number, why);
        return (this with { Pool = pool }, exhausted is null ? null : pool[exhausted.Id]);
    }

    /// <summary>What an evaluator is at; null: nothing.</summary>
    public Lease<ScoringWork>? LeaseOf(string evaluator) => Pool.LeaseOf(evaluator);

    /// <summary>See <see cref="WorkPool{T}.Lose"/>.</summary>
    public EvaluationState Lose(string evaluator) => this with { Pool = Pool.Lose(evaluator) };

    /// <summary>See <see cref="WorkPool{T}.Expire"/>.</summary>
    public (EvaluationState Next, IReadOnlyList<(ScoringWork Work, string Why)> Exhausted) Expire(TimeSpan now)
    {
        var (pool, exhausted) = Pool.Expire(now);
        return (this with { Pool = pool }, [.. exhausted.Select(over => (pool[over.Id], over.Why))]);
    }

    /// <summary>A benchmark cannot be scored on a checkpoint: what is left of it is not done. The next session of the run tries again.</summary>
    /// <returns>False: it is given up already, or scored.</returns>
    public (EvaluationState Next, bool IsNew) GiveUp(int step, string benchmark) => Scores.ContainsKey((step, benchmark)) || GivenUp.Contains((step, benchmark))
        ? (this, false)
        : (this with { GivenUp = GivenUp.Add((step, benchmark)) }, true);

    private bool IsGivenUp(ScoringWork work) => GivenUp.Contains((work.Step, work.Benchmark));

    private IEnumerable<int> StepsOf(string benchmark) => Left.Keys.Where(task => task.Benchmark == benchmark).Select(task => task.Step);

    private (EvaluationState, IReadOnlyList<string>) Plan(int step, IReadOnlyList<string> benchmarks) =>
        (benchmarks.Aggregate(this, (state, benchmark) => state.Plan(new KnownEvaluation(step, benchmark, ImmutableHashSet<int>.Empty, null))), benchmarks);

    private EvaluationState Plan(KnownEvaluation known)
    {
        var task = (known.Step, known.Benchmark);
        if (known.Score is { } score) return this with { Scores = Scores.SetItem(task, score), Left = Left.SetItem(task, 0) };
        // The recipe has another suite now.
        if (!_items.TryGetValue(known.Benchmark, out var items)) return this;
        var work = Missing(items, known.Items).Select(range => new ScoringWork(known.Step, known.Benchmark, range.First, range.Count)).ToList();
        return this with
        {
            Left = Left.SetItem(task, work.Sum(part => part.Count)),
            Pool = Pool.Add([.. work.Select(part => (part.Name, part))]),
        };
    }

    // Cut where an evaluation from the start would be, so that work has the same name in each session.
    private IEnumerable<(int First, int Count)> Missing(int items, IReadOnlySet<int> done)
    {
        for (var first = 0; first < items;)
        {
            if (done.Contains(first))
            {
                first++;
                continue;
            }
            var end = first + 1;
            while (end < items && end % _chunk != 0 && !done.Contains(end)) end++;
            yield return (first, end - first);
            first = end;
        }
    }
}

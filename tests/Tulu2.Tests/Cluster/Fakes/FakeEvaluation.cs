using System.Collections.Concurrent;
using Tulu2.Cluster.Evaluations;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Evaluations;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>
/// The evaluation of a <see cref="FakeRun"/>: scores in memory, outcomes on disk, evaluators that score an item with the step of its checkpoint. Keeping an item twice is a violation.
/// </summary>
internal sealed class FakeEvaluation : IScoreRecord, IEvaluatorHosting
{
    public const int Items = 50, Chunk = 8;

    private readonly ConcurrentDictionary<(int Step, string Benchmark, int Item), double> _items = new();
    private readonly ConcurrentDictionary<(int Step, string Benchmark), double?> _tasks = new();
    private int _alive;

    public FakeEvaluation(FakeRun run) => Directory.CreateDirectory(Folder = Path.Combine(run.RunDirectory, "outcomes"));

    public string Folder { get; }

    /// <summary>What a task throws; null: nothing.</summary>
    public Func<EvaluationTask, Exception?> Fault { get; set; } = _ => null;

    /// <summary>Called before a task is done.</summary>
    public Action<EvaluationTask, CancellationToken> OnRun { get; set; } = (_, _) => { };

    public ConcurrentQueue<string> Violations { get; } = new();
    public ConcurrentQueue<string> Prepared { get; } = new();
    public int Alive => _alive;
    public int Kept => _items.Count;
    public int Created { get; private set; }

    /// <summary>Scores by step and benchmark.</summary>
    public IReadOnlyDictionary<(int Step, string Benchmark), double?> Scores => _tasks;

    public PoolPlan Plan(EvaluationSchedule schedule, int evaluators, EvaluationMetric? metric = null) => new()
    {
        Schedule = schedule,
        Benchmarks = schedule.All.ToDictionary(name => name, name => new PoolBenchmark($"{name}.jsonl", Items)),
        Settings = EvaluatorSettings.Default,
        Metric = metric,
        KeepsBest = metric is not null,
        Record = this,
        Known =
        [
            .. _tasks.Select(task => new KnownEvaluation(task.Key.Step, task.Key.Benchmark,
                _items.Keys.Where(item => (item.Step, item.Benchmark) == task.Key).Select(item => item.Item).ToHashSet(), task.Value)),
        ],
        ModelOf = step => $"model:{step}",
        OutcomeFolder = Folder,
        Key = "key",
        Chunk = Chunk,
        Evaluators = evaluators,
        Hosting = this,
    };

    public void Begin(int step, IReadOnlyList<string> benchmarks)
    {
        foreach (var benchmark in benchmarks)
            if (!_tasks.TryAdd((step, benchmark), null)) Violations.Enqueue($"{benchmark} of step {step} was planned twice");
    }

    public KeptOutcome? Keep(ScoringWork work, string task, string file)
    {
        var outcome = OutcomeFile.Read(Folder, file);
        OutcomeFile.Delete(Folder, file);
        if (outcome?.TaskId != task) return null;
        for (var index = 0; index < work.Count; index++)
            if (!_items.TryAdd((work.Step, work.Benchmark, work.First + index), outcome.Scores[index].Value))
                Violations.Enqueue($"item {work.First + index} of {work.Benchmark}, step {work.Step}, was kept twice");
        return new KeptOutcome(outcome.Items, outcome.Total);
    }

    public FinishedScore Finish(int step, string benchmark)
    {
        var scores = _items.Where(item => item.Key.Step == step && item.Key.Benchmark == benchmark).Select(item => item.Value).ToList();
        if (scores.Count != Items) Violations.Enqueue($"{benchmark} of step {step} was scored with {scores.Count} items");
        if (!_tasks.TryUpdate((step, benchmark), scores.Average(), null)) Violations.Enqueue($"{benchmark} of step {step} was scored twice");
        return new FinishedScore(scores.Average(), $"{scores.Average()}", scores.Count);
    }

    public void Discard(string file) => OutcomeFile.Delete(Folder, file);

    public IReadOnlyList<(string Task, string File)> Unheard() => [.. OutcomeFile.In(Folder).Select(file => (OutcomeFile.Read(Folder, file)!.TaskId, file))];

    public IEvaluator Create(EvaluatorSettings settings, bool yieldsProcessor)
    {
        Interlocked.Increment(ref _alive);
        Created++;
        return new Evaluator(this);
    }

    private sealed class Evaluator(FakeEvaluation evaluation) : IEvaluator
    {
        public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation)
        {
            evaluation.OnRun(task, cancellation);
            if (evaluation.Fault(task) is { } fault) throw fault;
            var step = double.Parse(task.Model.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
            // Longer than a message between nodes may be.
            return new EvaluationOutcome(task.Id, [.. Enumerable.Range(task.First, task.Count)
                .Select(item => new ItemScore($"{item}", "", step) { Sample = new EvaluationSample(new string('p', 10_000), "e", "o", true) })]);
        }

        public void Prepare(string model) => evaluation.Prepared.Enqueue(model);

        public IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public void Dispose() => Interlocked.Decrement(ref evaluation._alive);
    }
}

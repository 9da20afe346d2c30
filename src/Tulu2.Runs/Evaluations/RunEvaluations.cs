using System.Globalization;
using System.Text.Json;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Evaluations;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Protocol.Evaluations;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Evaluations;

/// <summary>
/// The scores of a run's checkpoints in <c>RUN/evaluations</c>: <c>step-00000200/plan.json</c> says what the checkpoint is scored on, and each benchmark has a
/// folder with its items and its result (<see cref="ResultFolder"/>), or, until all are there, its journal (<see cref="ItemJournal"/>). <c>outcomes/</c> has what evaluators wrote and nobody has taken in yet.
/// </summary>
/// <param name="recipeAt">Hash of the recipe that made a step.</param>
internal sealed class RunEvaluations(RunDirectory directory, EvaluationSuite suite, Func<int, string> recipeAt) : IScoreRecord, IDisposable
{
    private const string PlanName = "plan.json";
    private const string StepPrefix = "step-";

    private readonly Dictionary<(int Step, string Benchmark), ItemJournal> _journals = [];

    // Of this session: what an earlier one has asked of judges is not known any more.
    private readonly Dictionary<(int Step, string Benchmark), IReadOnlyList<JudgeUse>> _judges = [];

    /// <param name="Recipe">Hash of the recipe that made the step.</param>
    private sealed record StepPlan(string Recipe, IReadOnlyList<string> Benchmarks);

    public string OutcomeFolder => Path.Combine(directory.Evaluations, "outcomes");

    /// <summary>
    /// What earlier sessions have planned and done, and can still be done. What a changed recipe has made void is set aside; what other options of the evaluation
    /// have made void begins anew.
    /// </summary>
    /// <param name="store">The run's checkpoints.</param>
    /// <param name="say">Takes what the user should know.</param>
    public IReadOnlyList<KnownEvaluation> Open(CheckpointStore store, Action<string> say)
    {
        Directory.CreateDirectory(OutcomeFolder);
        AtomicFile.RemoveLeftovers(OutcomeFolder);
        var known = new List<KnownEvaluation>();
        foreach (var (step, folder) in Steps())
        {
            if (ReadPlan(step) is not { } plan) continue;
            if (plan.Recipe != recipeAt(step))
            {
                say($"the scores of step {step} are those of another recipe; they are now in {SetAsideFolder(folder)}");
                continue;
            }
            foreach (var benchmark in plan.Benchmarks) if (Known(step, benchmark, store, say) is { } evaluation) known.Add(evaluation);
        }
        return known;
    }

    /// <summary>The results of a benchmark that was scored, by step.</summary>
    public static IEnumerable<(int Step, double Score)> Scores(RunDirectory directory, string benchmark)
    {
        foreach (var (step, folder) in Steps(directory))
            if (new ResultFolder(folder) is var results && results.Tasks.Contains(benchmark) && results.Read(benchmark).Score is { } score) yield return (step, score);
    }

    public void Begin(int step, IReadOnlyList<string> benchmarks)
    {
        var before = ReadPlan(step);
        var plan = new StepPlan(recipeAt(step), before?.Recipe == recipeAt(step) ? [.. before.Benchmarks.Union(benchmarks)] : benchmarks);
        Directory.CreateDirectory(FolderOf(step));
        AtomicFile.WriteAllText(PlanOf(step), JsonLine.Of(plan) + "\n");
    }

    public KeptOutcome? Keep(ScoringWork work, string task, string file)
    {
        var outcome = OutcomeFile.Read(OutcomeFolder, file);
        if (outcome is not null && outcome.TaskId == task && outcome.Items == work.Count)
        {
            JournalOf(work.Step, work.Benchmark).Append(outcome.Scores.Select((score, index) => (work.First + index, score)));
            var before = _judges.GetValueOrDefault((work.Step, work.Benchmark)) ?? [];
            _judges[(work.Step, work.Benchmark)] = JudgeUse.Sum(before.Concat(outcome.Judges));
        }
        else outcome = null;
        OutcomeFile.Delete(OutcomeFolder, file);
        return outcome is null ? null : new KeptOutcome(outcome.Items, outcome.Total);
    }

    public FinishedScore Finish(int step, string benchmark)
    {
        var (journal, of) = (JournalOf(step, benchmark), suite.Benchmarks[benchmark]);
        if (journal.Scores.Count != of.Items) throw new InvalidOperationException($"{benchmark} of step {step} has {journal.Scores.Count} of {of.Items} items");
        var scores = journal.Scores.OrderBy(score => score.Key).Select(score => score.Value).ToList();
        var use = _judges.GetValueOrDefault((step, benchmark)) ?? [];
        var result = TaskResult.Of(of.Benchmark, directory.Name, suite.Settings.Options, ScoreSubject.NamesOf(suite.Settings, use), scores) with
        {
            Step = step,
            JudgeUse = use,
            Subject = SubjectOf(step, benchmark),
        };
        new ResultFolder(FolderOf(step)).Write(result, scores);
        journal.Delete();
        _journals.Remove((step, benchmark));
        return new FinishedScore(result.Score!.Value, result.Unit.Text(result.Score.Value), scores.Count);
    }

    public void Discard(string file) => OutcomeFile.Delete(OutcomeFolder, file);

    public IReadOnlyList<(string Task, string File)> Unheard() =>
        [.. OutcomeFile.In(OutcomeFolder).Select(file => (OutcomeFile.Read(OutcomeFolder, file)?.TaskId ?? "", file))];

    public void Dispose()
    {
        foreach (var journal in _journals.Values) journal.Dispose();
        _journals.Clear();
    }

    private KnownEvaluation? Known(int step, string benchmark, CheckpointStore store, Action<string> say)
    {
        var results = new ResultFolder(FolderOf(step));
        if (results.Tasks.Contains(benchmark)) return new KnownEvaluation(step, benchmark, new HashSet<int>(), results.Read(benchmark).Score ?? double.NaN);
        if (!suite.Benchmarks.ContainsKey(benchmark)) return null;
        if (store.ManifestOf(step) is null)
        {
            say($"{benchmark} of step {step} is not scored any more: its checkpoint is gone");
            return null;
        }
        try
        {
            return new KnownEvaluation(step, benchmark, JournalOf(step, benchmark).Scores.Keys.ToHashSet(), null);
        }
        catch (BadInputException other)
        {
            // Scores of other options or other data, or a damaged file.
            say($"{other.Where} {other.What}: {benchmark} of step {step} begins anew; it is now in {SetAsideFolder(Path.Combine(FolderOf(step), benchmark))}");
            return new KnownEvaluation(step, benchmark, new HashSet<int>(), null);
        }
    }

    private ItemJournal JournalOf(int step, string benchmark)
    {
        if (_journals.TryGetValue((step, benchmark), out var journal)) return journal;
        return _journals[(step, benchmark)] = ItemJournal.Open(Path.Combine(FolderOf(step), benchmark), SubjectOf(step, benchmark));
    }

    private string SubjectOf(int step, string benchmark)
    {
        var of = suite.Benchmarks[benchmark];
        var judges = ScoreSubject.JudgesOf(of.Benchmark, suite.Settings);
        return ScoreSubject.Of(new { benchmark, step, recipe = recipeAt(step), data = ScoreSubject.FilesOf(of.File), of.Items, suite.Settings.Options, judges });
    }

    private StepPlan? ReadPlan(int step)
    {
        try
        {
            return File.Exists(PlanOf(step)) ? JsonSerializer.Deserialize<StepPlan>(File.ReadAllText(PlanOf(step)), JsonLine.Options) : null;
        }
        catch (JsonException)
        {
            // Written whole, so that somebody else has altered it: what it planned is planned again.
            return null;
        }
    }

    private IEnumerable<(int Step, string Folder)> Steps() => Steps(directory);

    private static IEnumerable<(int Step, string Folder)> Steps(RunDirectory directory) => !Directory.Exists(directory.Evaluations) ? [] :
        Directory.EnumerateDirectories(directory.Evaluations, $"{StepPrefix}*")
            .Select(folder => (Step: int.TryParse(Path.GetFileName(folder)[StepPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : 0, folder))
            .Where(found => found.Step > 0).OrderBy(found => found.Step);

    private string FolderOf(int step) => Path.Combine(directory.Evaluations, $"{StepPrefix}{step:D8}");

    private string PlanOf(int step) => Path.Combine(FolderOf(step), PlanName);

    // Out of the way of reports.
    private string SetAsideFolder(string folder)
    {
        var name = Path.GetRelativePath(directory.Evaluations, folder).Replace(Path.DirectorySeparatorChar, '-');
        var aside = Enumerable.Range(1, int.MaxValue).Select(number => Path.Combine(directory.Evaluations, "replaced", $"{name}-{number}"))
            .First(path => !Directory.Exists(path));
        Directory.CreateDirectory(Path.GetDirectoryName(aside)!);
        if (Directory.Exists(folder)) Directory.Move(folder, aside);
        return aside;
    }
}

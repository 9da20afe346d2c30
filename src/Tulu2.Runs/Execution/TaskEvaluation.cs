using System.Text.Json;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Provenance;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Execution;

/// <summary>What <c>eval TASK…</c> is asked for.</summary>
/// <param name="Name">Name of the model in tables.</param>
/// <param name="Model">Hugging Face directory, or adapters beside one (<see cref="ModelFolders"/>).</param>
/// <param name="Root">Folder with the task data: <c>ROOT/mmlu</c>, ...</param>
/// <param name="Out">Folder of the results; null: they are not kept.</param>
internal sealed record TaskEvaluationRequest(
    string Name, string Model, string Root, IReadOnlyList<IBenchmark> Benchmarks, EvaluationSettings Settings, string? Out);

/// <summary>Scores one model on benchmarks with task data, and keeps what is scored: what is finished is not done again.</summary>
internal sealed class TaskEvaluation(IRunOutput output, LocalNode node)
{
    /// <returns>[benchmarks].</returns>
    /// <exception cref="BadInputException">Data is missing, a judge is, or the folder of results has others.</exception>
    public async Task<IReadOnlyList<TaskResult>> RunAsync(TaskEvaluationRequest request, CancellationToken cancellation)
    {
        var results = new Dictionary<string, TaskResult>();
        var jobs = new List<EvaluationJob>();
        var provenance = ProvenanceFile.Of(request.Model);
        try
        {
            foreach (var benchmark in request.Benchmarks)
            {
                if (Finished(benchmark, request) is { } result)
                {
                    results.Add(benchmark.Name, result);
                    output.Say($"{benchmark.Name} is scored already ({Path.Combine(request.Out!, benchmark.Name)})");
                }
                else if (Contamination.Reason(benchmark, provenance) is { } why) results.Add(benchmark.Name, Withhold(benchmark, request, why));
                else jobs.Add(JobOf(benchmark, request));
            }
            var scored = await new EvaluationRunner(output, node).RunAsync($"eval {request.Name}", jobs, request.Settings, null, cancellation, job => Keep(job, request));
            foreach (var job in scored) results.Add(job.Job.Benchmark.Name, ResultOf(job, request));
            return [.. request.Benchmarks.Select(benchmark => results[benchmark.Name])];
        }
        finally
        {
            foreach (var job in jobs) job.Journal?.Dispose();
        }
    }

    private static EvaluationJob JobOf(IBenchmark benchmark, TaskEvaluationRequest request)
    {
        var journal = request.Out is { } folder ? ItemJournal.Open(Path.Combine(folder, benchmark.Name), SubjectOf(benchmark, request)) : null;
        return new EvaluationJob(request.Name, benchmark, request.Model, DataOf(benchmark, request)) { Journal = journal };
    }

    private static DataFile DataOf(IBenchmark benchmark, TaskEvaluationRequest request) => Path.Combine(request.Root, benchmark.Folder!);

    private static TaskResult? Finished(IBenchmark benchmark, TaskEvaluationRequest request)
    {
        if (request.Out is null || !new ResultFolder(request.Out).Tasks.Contains(benchmark.Name)) return null;
        var result = new ResultFolder(request.Out).Read(benchmark.Name);
        return result.Subject == SubjectOf(benchmark, request) ? result : throw new BadInputException(
            Path.Combine(request.Out, benchmark.Name), "has the result of another model, other data or other options", "give another --out, or delete the folder");
    }

    private static TaskResult Withhold(IBenchmark benchmark, TaskEvaluationRequest request, string why)
    {
        var result = TaskResult.WithheldOf(benchmark, request.Name, request.Settings.Options, why) with { Subject = SubjectOf(benchmark, request) };
        if (request.Out is not null) new ResultFolder(request.Out).Write(result, []);
        return result;
    }

    private static void Keep(EvaluatedJob job, TaskEvaluationRequest request)
    {
        if (request.Out is null) return;
        new ResultFolder(request.Out).Write(ResultOf(job, request), job.Scores);
        job.Job.Journal!.Delete();
    }

    private static TaskResult ResultOf(EvaluatedJob job, TaskEvaluationRequest request) =>
        TaskResult.Of(job.Job.Benchmark, request.Name, request.Settings.Options, JudgesOf(job, request), job.Scores) with
        {
            JudgeUse = job.Judges,
            Subject = SubjectOf(job.Job.Benchmark, request),
        };

    // Who has judged, as the judges say; where all verdicts are of an earlier start, as they were asked for.
    private static Dictionary<string, string> JudgesOf(EvaluatedJob job, TaskEvaluationRequest request)
    {
        var names = JudgeUse.Names(job.Judges);
        return request.Settings.Evaluator.Judges.ToDictionary(judge => judge.Key, judge => names.GetValueOrDefault(judge.Key) ?? judge.Value);
    }

    // All that a score depends on. Weights are known by the size and time of their files: reading them all would take as long as loading them.
    private static string SubjectOf(IBenchmark benchmark, TaskEvaluationRequest request)
    {
        var folders = ModelFolders.Parse(request.Model);
        string[] parts = [FilesOf(folders.Model), folders.Adapter is { } adapter ? FilesOf(adapter) : "", FilesOf(Path.Combine(request.Root, benchmark.Folder!))];
        var judges = request.Settings.Evaluator.Judges.Where(judge => benchmark.Judges.Contains(judge.Key)).OrderBy(judge => judge.Key, StringComparer.Ordinal);
        return ContentHash.Of(JsonSerializer.SerializeToUtf8Bytes(new { benchmark.Name, parts, request.Settings.Options, judges = judges.ToList() }));
    }

    private static string FilesOf(string folder) => string.Join('\n', new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)
        .Select(file => $"{Path.GetRelativePath(folder, file.FullName)} {file.Length} {file.LastWriteTimeUtc.Ticks}").Order(StringComparer.Ordinal));
}

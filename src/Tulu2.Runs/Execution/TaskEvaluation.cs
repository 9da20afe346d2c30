using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Provenance;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Runs.Evaluations;
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
        var folder = request.Out is null ? null : new ResultFolder(request.Out);
        var subjects = Subjects(request);
        var provenance = ProvenanceFile.Of(request.Model);
        try
        {
            foreach (var benchmark in request.Benchmarks)
            {
                var subject = subjects[benchmark.Name];
                if (Finished(folder, benchmark, subject) is { } result)
                {
                    results.Add(benchmark.Name, result);
                    output.Say($"{benchmark.Name} is scored already ({Path.Combine(request.Out!, benchmark.Name)})");
                }
                else if (Contamination.Reason(benchmark, provenance) is { } why)
                    Keep(TaskResult.WithheldOf(benchmark, request.Name, request.Settings.Options, why) with { Subject = subject }, []);
                else
                    jobs.Add(new EvaluationJob(request.Name, benchmark, request.Model, Path.Combine(request.Root, benchmark.Folder!))
                    {
                        Journal = folder is null ? null : ItemJournal.Open(Path.Combine(folder.Path, benchmark.Name), subject),
                    });
            }
            await new EvaluationRunner(output, node).RunAsync($"eval {request.Name}", jobs, request.Settings, null, cancellation, Done);
            return [.. request.Benchmarks.Select(benchmark => results[benchmark.Name])];
        }
        finally
        {
            foreach (var job in jobs) job.Journal?.Dispose();
        }

        // One job at a time.
        void Done(EvaluatedJob job)
        {
            var (benchmark, settings) = (job.Job.Benchmark, request.Settings);
            Keep(TaskResult.Of(benchmark, request.Name, settings.Options, ScoreSubject.NamesOf(settings.Evaluator, job.Judges), job.Scores) with
            {
                JudgeUse = job.Judges,
                Subject = subjects[benchmark.Name],
            }, job.Scores);
            job.Job.Journal?.Delete();
        }

        void Keep(TaskResult result, IReadOnlyList<ItemScore> scores)
        {
            folder?.Write(result, scores);
            results.Add(result.Task, result);
        }
    }

    private static TaskResult? Finished(ResultFolder? folder, IBenchmark benchmark, string subject)
    {
        if (folder is null || !folder.Tasks.Contains(benchmark.Name)) return null;
        var result = folder.Read(benchmark.Name);
        return result.Subject == subject ? result : throw new BadInputException(
            Path.Combine(folder.Path, benchmark.Name), "has the result of another model, other data or other options", "give another --out, or delete the folder");
    }

    // By benchmark: all that its score depends on.
    private static Dictionary<string, string> Subjects(TaskEvaluationRequest request)
    {
        var folders = ModelFolders.Parse(request.Model);
        var (model, adapter) = (ScoreSubject.FilesOf(folders.Model), folders.Adapter is { } path ? ScoreSubject.FilesOf(path) : "");
        return request.Benchmarks.ToDictionary(benchmark => benchmark.Name, benchmark =>
        {
            string[] parts = [model, adapter, ScoreSubject.FilesOf(Path.Combine(request.Root, benchmark.Folder!))];
            return ScoreSubject.Of(new { benchmark.Name, parts, request.Settings.Options, judges = ScoreSubject.JudgesOf(benchmark, request.Settings.Evaluator) });
        });
    }
}

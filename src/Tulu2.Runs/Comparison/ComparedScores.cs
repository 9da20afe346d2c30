using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Comparison;

/// <summary>Scores the models that runs have exported on one file of rows.</summary>
internal sealed class ComparedScores(IRunOutput output, LocalNode node)
{
    /// <returns>The runs with their scores, which stand behind those they had.</returns>
    /// <exception cref="BadInputException">A run has exported no model, or the rows cannot be used.</exception>
    public async Task<IReadOnlyList<ComparedRun>> AddAsync(
        IReadOnlyList<ComparedRun> runs, IBenchmark benchmark, DataFile file, EvaluationSettings settings, CancellationToken cancellation)
    {
        var jobs = runs.Select(run => new EvaluationJob(run.Name, benchmark, ModelOf(new RunDirectory(run.Directory)), file)).ToList();
        foreach (var remark in jobs.SelectMany(job => LoadedModel.Check(job.Model))) output.Say(remark);
        var table = new EvaluationTable();
        var scored = await new EvaluationRunner(output, node).RunAsync($"scoring by {benchmark.Name.Replace('_', ' ')}", jobs, settings, ledger: null, cancellation);
        foreach (var job in scored) table.Add(job.Job.Name, job.Job.Benchmark, job.Outcome);
        var scores = table.Scores();
        return [.. runs.Select(run => run with { Scores = [.. run.Scores, .. scores.Where(score => score.Model == run.Name)] })];
    }

    // Adapters name the model beside them.
    private static string ModelOf(RunDirectory run) => Directory.Exists(run.FinalExport)
        ? ModelFolders.Parse(run.FinalExport).Text
        : throw new BadInputException(run.Root, "has no exports/final to score: the run has not come to its end", "continue it with --resume, or omit --data");
}

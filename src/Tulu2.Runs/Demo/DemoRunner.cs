using System.Diagnostics;
using Tulu2.Data.Demo;
using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Demo;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Demo;

/// <summary>The whole pipeline on generated data: tokenizer, SFT, DPO, evaluation, report; each stage is that of its own command.</summary>
internal sealed class DemoRunner(IRunOutput output, LocalNode node, DemoSettings settings)
{
    private static readonly IBenchmark ExactMatch = BenchmarkCatalogue.For(RowKind.Messages);
    private static readonly IBenchmark Preference = BenchmarkCatalogue.For(RowKind.Preferences);

    private readonly List<(string Stage, double Seconds)> _costs = [];

    /// <summary>Seconds of each stage so far, in order.</summary>
    public IReadOnlyList<(string Stage, double Seconds)> Costs => _costs;

    public async Task<DemoResult> RunAsync(RunDirectory directory, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        if (new[] { "sft", "dpo" }.Any(stage => new RunDirectory(In(stage)).HasRun))
            throw new BadInputException(directory.Root, "already contains a demo", "choose another --run directory");
        directory.Open(ResumeMode.New);
        output.LogFile = directory.Log;
        var data = await Stage("data", () => Task.Run(() => DemoData.Write(In("data"), settings.Data), cancellation).WaitAsync(cancellation));
        await Stage("tokenizer", () => Task.Run(() => LearnTokenizer(data), cancellation).WaitAsync(cancellation));
        var recipes = DemoRecipes.Write(directory, data, settings);

        var sft = await Train("sft", recipes.Sft, cancellation);
        var untrained = In("untrained");
        var initial = RecipeReader.Load(recipes.Sft, []);
        ModelExport.Initial(ModelSource.Open(initial), initial.Recipe, untrained);
        var dpo = await Train("dpo", recipes.Dpo, cancellation);

        var table = new EvaluationTable();
        await Stage("evaluation", () => Evaluate(data, untrained, sft.FinalExport, dpo.FinalExport, directory, table, cancellation));
        var suite = await Stage("benchmarks", () => ScoreBenchmarks(In("benchmarks"), dpo.FinalExport, In("scores"), cancellation));
        var result = new DemoResult(clock.Elapsed.TotalSeconds,
            new ExactMatchRates(Score("untrained", ExactMatch), Score("sft", ExactMatch), Score("dpo", ExactMatch)),
            new PreferenceRates(Score("sft", Preference), Score("dpo", Preference)),
            suite, In("scores"), directory.Report, dpo.FinalExport);
        WriteReport(directory, new RunDirectory(sft.Root), table);
        return result;

        string In(string name) => Path.Combine(directory.Root, name);

        double Score(string model, IBenchmark benchmark) => table.Score(model, benchmark) ?? 0;

        int LearnTokenizer(DemoFiles files)
        {
            var trained = SentencePieceTrainer.Train(File.ReadLines(files.Corpus), new SentencePieceTrainerOptions { VocabularySize = settings.Vocabulary });
            trained.Write(In("tokenizer"));
            return trained.VocabularySize;
        }

        async Task<RunDirectory> Train(string name, string recipe, CancellationToken token)
        {
            var run = new RunDirectory(In(name));
            RankHosting hosting = settings.InProcess ? new RankHosting.Threads() : new RankHosting.Processes();
            await Stage(name, () => new TrainRunner(output, node, hosting).RunAsync(name, RecipeReader.Load(recipe, []), run, ResumeMode.New, token));
            return run;
        }
    }

    private async Task<int> Evaluate(
        DemoFiles data, string untrained, string sft, string dpo, RunDirectory directory, EvaluationTable table, CancellationToken cancellation)
    {
        var evaluation = new EvaluationSettings(Evaluators, settings.InProcess, new BenchmarkOptions());
        EvaluationJob[] jobs =
        [
            new("untrained", ExactMatch, untrained, data.SftHeldOut),
            new("sft", ExactMatch, sft, data.SftHeldOut),
            new("dpo", ExactMatch, dpo, data.SftHeldOut),
            new("sft", Preference, sft, data.DpoHeldOut),
            new("dpo", Preference, dpo, data.DpoHeldOut),
        ];
        var scored = await new EvaluationRunner(output, node).RunAsync("evaluation", jobs, evaluation, directory.Ledger, cancellation);
        foreach (var job in scored) table.Add(job.Job.Name, job.Job.Benchmark, job.Outcome);
        return scored.Sum(job => job.Scores.Count);
    }

    // Questions without examples: the model has learned at most 256 tokens at a time.
    private async Task<IReadOnlyList<TaskResult>> ScoreBenchmarks(string root, string model, string scores, CancellationToken cancellation)
    {
        var answers = new DemoTasks(root, settings.Data).Write(settings.BenchmarkItems);
        await using var judge = await DemoJudge.StartAsync(new DemoVerdicts(answers), null, cancellation);
        var evaluation = new EvaluationSettings(Evaluators, settings.InProcess, new BenchmarkOptions(settings.BenchmarkTokens, SkipLong: true) { Mode = EvaluationMode.Fixed, Shots = 0 })
        {
            Evaluator = EvaluatorSettings.Default with { Judges = judge.Roles },
        };
        var benchmarks = TaskRequirements.Met(root, evaluation.Evaluator, output.Say);
        return await new TaskEvaluation(output, node).RunAsync(new TaskEvaluationRequest("dpo", model, root, benchmarks, evaluation, scores), cancellation);
    }

    private int Evaluators => settings.Ranks > 0 ? settings.Ranks : Environment.ProcessorCount;

    private void WriteReport(RunDirectory directory, RunDirectory sft, EvaluationTable table)
    {
        var notes = ReportNotes.Empty("TÜLU 2 demo") with
        {
            Facts = [new ReportFact("seed", $"{settings.Seed}"), .. _costs.Select(cost => new ReportFact($"time of {cost.Stage}", NumberText.Duration(cost.Seconds)))],
            Scores = table.Scores(),
            Samples = [.. table.Samples(8).Select(samples => samples with { From = "Greedy answers to held-out prompts, which no training row holds." })],
            TokenLengths = ReportNotes.Read(sft).TokenLengths,
            WallSeconds = _costs.ToDictionary(cost => cost.Stage, cost => cost.Seconds),
        };
        ReportMaker.TryMake(output, directory, notes);
    }

    private async Task<T> Stage<T>(string name, Func<Task<T>> work)
    {
        var clock = Stopwatch.StartNew();
        var result = await work();
        _costs.Add((name, clock.Elapsed.TotalSeconds));
        return result;
    }
}

using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Execution;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Creates evaluators that compute in this process.</summary>
/// <param name="settings">The settings with which the tasks were planned.</param>
/// <param name="shards">Starts the processes of a model that the settings divide among several; null: there are none.</param>
public sealed class EvaluatorFactory(EvaluatorSettings settings, IShardHosting? shards = null) : IEvaluatorFactory
{
    // Shared, so that its limits hold for all evaluators of this process.
    private readonly JudgePanel _panel = new(settings.Judges, settings.Judging);

    public IEvaluator Create() => new Evaluator(settings, _panel, shards);

    /// <summary>Caches the last model and the last benchmark's items, since consecutive tasks share them.</summary>
    private sealed class Evaluator(EvaluatorSettings settings, JudgePanel panel, IShardHosting? shards) : IEvaluator
    {
        // Starts nothing before there is a program.
        private readonly CodeRunner _runner = new(settings.AllowUnsafeExecution);
        private TextGenerator? _generator;
        private (string Benchmark, string File, string Model, IReadOnlyList<BenchmarkItem> Items)? _read;

        public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation)
        {
            var benchmark = BenchmarkCatalogue.Named(task.Benchmark);
            panel.Require(benchmark.Name, benchmark.Judges);
            var items = ItemsOf(task, benchmark);
            var generator = GeneratorOf(task.Model);
            var answers = new ModelAnswers(generator, new LogProbabilityScorer(generator), panel, _runner);
            var outcome = ItemScoring.Score(task.Id, benchmark, items, answers, cancellation);
            return outcome with { Judges = panel.TakeUse() };
        }

        public IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation)
        {
            var generator = GeneratorOf(model);
            var options = GenerationOptions.Greedy with { MaxTokens = maxTokens };
            var requests = prompts.Select(prompt => new GenerationRequest(generator.EncodeChat(prompt), options)).ToList();
            return [.. generator.Generate(requests, cancellation).Select(result => result.Text)];
        }

        public void Dispose()
        {
            Unload();
            _runner.Dispose();
        }

        private void Unload()
        {
            _generator?.Dispose();
            _generator = null;
        }

        private TextGenerator GeneratorOf(string name)
        {
            if (_generator?.Model.Name == name) return _generator;
            Unload();
            return _generator = TextGenerator.Load(name, new ModelLoading { Shards = settings.Shards.Count, Hosting = settings.Shards.Hosting(shards) }, settings.MaxBatch);
        }

        // With SkipLong, the items that are left out, and so the indices of the others, depend on the model. Prompts of benchmarks with a folder are cut to its context.
        private IReadOnlyList<BenchmarkItem> ItemsOf(EvaluationTask task, IBenchmark benchmark)
        {
            var skips = settings.Options.SkipLong || benchmark.Folder is not null;
            var model = skips ? task.Model : "";
            if (_read is not { } held || held.Benchmark != task.Benchmark || held.File != task.File || held.Model != model)
            {
                var prompts = skips ? GeneratorOf(task.Model).Model.Prompts : null;
                var input = new BenchmarkInput(task.File, settings.Options, prompts?.Chat) { Prompts = prompts };
                _read = held = (task.Benchmark, task.File, model, benchmark.ReadWithin(input).Items);
            }
            if (task.First < 0 || task.Count < 1 || task.First + task.Count > held.Items.Count)
                throw new BadInputException(task.File, $"has {held.Items.Count} usable rows, not rows {task.First} to {task.First + task.Count - 1}",
                    "plan the evaluation again: the file has changed");
            return [.. held.Items.Skip(task.First).Take(task.Count)];
        }
    }
}

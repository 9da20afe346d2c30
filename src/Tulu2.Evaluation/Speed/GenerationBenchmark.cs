using System.Diagnostics;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Models.Decoder;
using Tulu2.Models.Inference;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Speed;

/// <summary>The speed of generation, as an engine's callers see it.</summary>
/// <param name="Form">fp32, bf16, fp16 or nf4, or as the files hold the weights.</param>
/// <param name="Batch">Answers at a time.</param>
/// <param name="TokensPerSecond">Of all answers together, once every prompt is computed.</param>
/// <param name="PromptTokensPerSecond">While the prompts are computed.</param>
/// <param name="ReadBytesPerSecond">At which the threads read a buffer as large as the weights.</param>
/// <param name="ProductFlops">Floating-point operations per second of fp32 matrix products of libtorch on one thread, times the threads.</param>
/// <param name="BoundShare">The least time that reading the weights and multiplying by them takes at these rates, the larger of both, relative to a step's
/// time.</param>
public sealed record GenerationMeasurement(
    string Form, int Batch, int Threads, double TokensPerSecond, double PromptTokensPerSecond, long WeightBytes, double ReadBytesPerSecond, double ProductFlops,
    double BoundShare);

/// <summary>Questions after one common prefix, as of MMLU with five examples, with and without its reuse.</summary>
public sealed record PrefixMeasurement(string Form, int Questions, int PrefixTokens, int QuestionTokens, double Seconds, double SecondsWithoutReuse)
{
    public double Factor => SecondsWithoutReuse / Seconds;
}

/// <summary>Measures generation with a model.</summary>
public static class GenerationBenchmark
{
    private static readonly HashSet<int> NeverEnds = [];

    /// <summary>Floating-point operations per second of fp32 products, on one thread.</summary>
    public static double ProductRate() => ModelTiming.ProductRate(ScalarType.Float32);

    /// <param name="promptTokens">Length of each prompt.</param>
    /// <param name="tokens">Tokens of each answer.</param>
    /// <param name="productRate">As <see cref="ProductRate"/>.</param>
    public static GenerationMeasurement Run(InferenceModel model, string form, int batch, int threads, int promptTokens, int tokens, double productRate)
    {
        var settings = new EngineSettings { MaxRunning = batch, Threads = threads, ReusePrefixes = false, CacheTokens = batch * (promptTokens + tokens + 16) };
        using var engine = new GenerationEngine(new LlamaEngineModel(model, settings), NeverEnds, () => new NoText(), settings);
        Wait(engine, batch, promptTokens, 2);
        var read = MachineCeilings.ReadRate(model.BytesPerPass, threads);
        var times = new List<long>[batch];
        var started = Stopwatch.GetTimestamp();
        var tasks = Enumerable.Range(0, batch).Select(row =>
        {
            var own = times[row] = [];
            return engine.SubmitAsync(new EngineRequest(Prompt(model, row, promptTokens),
                GenerationOptions.Greedy with { MaxTokens = tokens }) { OnToken = _ => own.Add(Stopwatch.GetTimestamp()) });
        }).ToArray();
        _ = EngineCalls.Wait(tasks, (task, _) => task, CancellationToken.None);
        // All have their first token here.
        var (begun, ended) = (times.Max(own => own[0]), times.Min(own => own[^1]));
        var seconds = Stopwatch.GetElapsedTime(begun, ended).TotalSeconds;
        var generated = times.Sum(own => own.Count(time => time > begun && time <= ended));
        var rate = generated / seconds;
        // Each weight of a pass is multiplied and added once for each row.
        var weights = model.Config.ParameterCount - (model.Config.TieEmbeddings ? 0 : (long)model.Config.VocabularySize * model.Config.HiddenSize);
        var bound = Math.Max(model.BytesPerPass / read, 2.0 * weights * batch / (productRate * threads));
        return new GenerationMeasurement(
            form, batch, threads, rate, batch * promptTokens / Stopwatch.GetElapsedTime(started, begun).TotalSeconds, model.BytesPerPass, read,
                productRate * threads,
            bound / (batch / rate));
    }

    /// <summary>The likelihood of four letters after each question.</summary>
    public static PrefixMeasurement RunPrefix(InferenceModel model, string form, int threads, int questions, int prefixTokens, int questionTokens)
    {
        var with = Seconds(reuse: true);
        return new PrefixMeasurement(form, questions, prefixTokens, questionTokens, with, Seconds(reuse: false));

        double Seconds(bool reuse)
        {
            var tokens = 16 * (prefixTokens + questionTokens + 32);
            var settings = new EngineSettings { MaxRunning = 16, Threads = threads, ReusePrefixes = reuse, CacheTokens = tokens };
            using var engine = new GenerationEngine(new LlamaEngineModel(model, settings), NeverEnds, () => new NoText(), settings);
            Wait(engine, 1, 8, 1);
            var prefix = Prompt(model, 999, prefixTokens);
            var started = Stopwatch.GetTimestamp();
            _ = EngineCalls.Wait([.. Enumerable.Range(0, questions)],
                (question, token) => engine.NextTokenAsync([.. prefix, .. Prompt(model, question, questionTokens)], [3, 4, 5, 6], token),
                    CancellationToken.None);
            return Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
    }

    private static void Wait(GenerationEngine engine, int batch, int promptTokens, int tokens) => _ = EngineCalls.Wait(
        [.. Enumerable.Range(0, batch)],
        (row, token) => engine.SubmitAsync(
            new EngineRequest([.. Enumerable.Range(0, promptTokens).Select(at => (at + row) % engine.VocabularySize)],
                GenerationOptions.Greedy with { MaxTokens = tokens }), token),
        CancellationToken.None);

    private static int[] Prompt(InferenceModel model, int seed, int tokens)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, tokens).Select(_ => random.Next(model.Config.UsedVocabulary))];
    }

    // What is measured is the model.
    private sealed class NoText : IAnswerText
    {
        public string Add(int id) => "";

        public string Flush() => "";
    }
}

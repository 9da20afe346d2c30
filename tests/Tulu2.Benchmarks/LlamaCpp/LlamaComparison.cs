using System.Diagnostics;
using System.Globalization;
using LLama;
using LLama.Common;
using LLama.Native;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Inference;

namespace Tulu2.Benchmarks.LlamaCpp;

/// <summary>
/// Tokens/s of greedy decoding beside llama.cpp on the same weights and threads, measured in turns: <c>generate-llama [threads] [rounds] [layers]
/// [hidden]</c>. Both decode the same rows; the logits of the two are compared first.
/// </summary>
internal static class LlamaComparison
{
    private const int Prompt = 32, Tokens = 32, Context = 128, Most = 16;

    public static void Run(string[] arguments, TextWriter output)
    {
        int Argument(int at, int otherwise) => at < arguments.Length ? int.Parse(arguments[at], CultureInfo.InvariantCulture) : otherwise;
        int threads = Argument(0, 1), rounds = Argument(1, 5), layers = Argument(2, 12), hidden = Argument(3, 1024);
        var config = new LlamaConfig
        {
            HiddenSize = hidden,
            IntermediateSize = hidden * 11 / 4,
            Layers = layers,
            Heads = hidden / 128,
            KeyValueHeads = hidden / 256,
            VocabularySize = 32000,
            MaxPositions = 2048,
        };
        NativeLibraryConfig.All.WithLogCallback((level, message) =>
        {
            if (level is LLamaLogLevel.Error) output.Write(message);
        });
        foreach (var (name, form, isBrain) in new[] { ("fp32", InferenceForm.Single, false), ("bf16", InferenceForm.Brain, true) })
        {
            var path = Path.Combine(Path.GetTempPath(), $"tulu2-{Guid.NewGuid():N}.gguf");
            try
            {
                // Read back from both, so that both have the same numbers.
                using (var source = new RandomSource(config, 1, form)) GgufWriter.Write(path, source, isBrain);
                using var model = InferenceModel.Random(config, 1, form);
                Compare(name, path, model, threads, rounds, output);
            }
            finally
            {
                File.Delete(path);
            }
        }
    }

    private static void Compare(string name, string path, InferenceModel model, int threads, int rounds, TextWriter output)
    {
        using var theirs = new Theirs(path, threads);
        using var ours = new Ours(model, threads);
        var difference = ours.Logits().Zip(theirs.Logits()).Max(pair => Math.Abs(pair.First - pair.Second));
        output.WriteLine($"{name}: {model.BytesPerPass / 1e6:F0} MB of weights a step, {threads} threads; largest difference of logits {difference:E1}; load {Load()}");
        foreach (var batch in new[] { 1, 4, Most })
        {
            // In turns, so that what else the machine does meets both alike.
            List<(double Clock, double Processor)> own = [], other = [];
            for (var round = 0; round < rounds; round++)
            {
                own.Add(Measured(() => ours.Rate(batch)));
                other.Add(Measured(() => theirs.Rate(batch)));
            }
            output.WriteLine($"  batch {batch,2}: ours {Median(own, Clock),7:F1} tokens/s, llama.cpp {Median(other, Clock),7:F1}, ratio {Ratio(Clock):F2}; "
                + $"per processor second {Median(own, Processor),7:F1} and {Median(other, Processor),7:F1}, ratio {Ratio(Processor):F2}; load {Load()}");

            double Ratio(Func<(double, double), double> of) => own.Zip(other, (one, two) => of(one) / of(two)).Order().ElementAt(rounds / 2);
        }
        var read = MachineCeilings.ReadRate(model.BytesPerPass, threads);
        output.WriteLine($"  a buffer as large is read at {read / 1e9:F1} GB/s: {read / model.BytesPerPass:F1} steps/s");
    }

    // Tokens per second of the clock, and of the processor, which others on busy cores do not add to.
    private static (double Clock, double Processor) Measured(Func<(int Tokens, double Seconds, double Processor)> decode)
    {
        var (tokens, seconds, processor) = decode();
        return (tokens / seconds, tokens / processor);
    }

    private static double Median(List<(double, double)> rates, Func<(double, double), double> of) => rates.Select(of).Order().ElementAt(rates.Count / 2);

    private static double Clock((double Clock, double Processor) rate) => rate.Clock;

    private static double Processor((double Clock, double Processor) rate) => rate.Processor;

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "?";

    private static int Token(int row, int position) => 300 + (row * 7919 + position * 104729) % 30000;

    private sealed class Ours : IDisposable
    {
        private readonly InferenceModel _model;
        private readonly KeyValuePages _pages;
        private readonly InferencePass _pass;
        private readonly float[] _logits;

        public Ours(InferenceModel model, int threads)
        {
            _model = model;
            _pages = new KeyValuePages(model.Config, Most * Context / KeyValuePages.Tokens);
            _pass = new InferencePass(model, _pages, threads);
            _logits = new float[Most * model.Config.VocabularySize];
        }

        public float[] Logits()
        {
            Begin(1);
            return Step([.. Enumerable.Range(0, Prompt).Select(at => Token(0, at))], 0, 1)[.._model.Config.VocabularySize];
        }

        public (int, double, double) Rate(int batch)
        {
            Begin(batch);
            var next = new int[batch];
            var (start, processor) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            for (var at = Prompt; at < Prompt + Tokens; at++)
            {
                var logits = Steps(next, at);
                for (var row = 0; row < batch; row++) next[row] = Best(logits.AsSpan(row * _model.Config.VocabularySize, _model.Config.VocabularySize));
            }
            return (batch * Tokens, Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        }

        public void Dispose()
        {
            _pass.Dispose();
            _pages.Dispose();
        }

        private void Begin(int batch) =>
            _pass.Run([.. Enumerable.Range(0, batch).Select(row => new SequencePart(Enumerable.Range(0, Prompt).Select(at => Token(row, at)).ToArray(), 0,
                Pages(row)))]);

        private float[] Step(int[] ids, int row, int rows)
        {
            _pass.Run([new SequencePart(ids, 0, Pages(row))]);
            _pass.Logits([ids.Length - 1], _logits.AsSpan(0, rows * _model.Config.VocabularySize));
            return _logits;
        }

        private float[] Steps(int[] next, int position)
        {
            _pass.Run([.. next.Select((id, row) => new SequencePart(new[] { id }, position, Pages(row)))]);
            _pass.Logits([.. Enumerable.Range(0, next.Length)], _logits.AsSpan(0, next.Length * _model.Config.VocabularySize));
            return _logits;
        }

        private static int[] Pages(int row) => [.. Enumerable.Range(row * Context / KeyValuePages.Tokens, Context / KeyValuePages.Tokens)];
    }

    private sealed class Theirs : IDisposable
    {
        private readonly LLamaWeights _weights;
        private readonly LLamaContext _context;

        public Theirs(string path, int threads)
        {
            var parameters = new ModelParams(path)
            {
                ContextSize = Most * Context,
                BatchSize = Most * Prompt,
                UBatchSize = Most * Prompt,
                SeqMax = Most,
                Threads = threads,
                BatchThreads = threads,
                GpuLayerCount = 0,
                TypeK = GGMLType.GGML_TYPE_F32,
                TypeV = GGMLType.GGML_TYPE_F32,
                FlashAttention = false,
            };
            _weights = LLamaWeights.LoadFromFile(parameters);
            _context = _weights.CreateContext(parameters);
        }

        public float[] Logits()
        {
            Begin(1);
            return _context.NativeHandle.GetLogitsIth(Prompt - 1).ToArray();
        }

        public (int, double, double) Rate(int batch)
        {
            Begin(batch);
            var next = new int[batch];
            var (start, processor) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            for (var at = Prompt; at < Prompt + Tokens; at++)
            {
                var tokens = new LLamaBatch();
                for (var row = 0; row < batch; row++) tokens.Add(next[row], at, (LLamaSeqId)row, true);
                Decode(tokens);
                for (var row = 0; row < batch; row++) next[row] = Best(_context.NativeHandle.GetLogitsIth(row));
            }
            return (batch * Tokens, Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        }

        public void Dispose()
        {
            _context.Dispose();
            _weights.Dispose();
        }

        private void Begin(int batch)
        {
            _context.NativeHandle.MemoryClear(true);
            var tokens = new LLamaBatch();
            for (var row = 0; row < batch; row++)
                for (var at = 0; at < Prompt; at++) tokens.Add(Token(row, at), at, (LLamaSeqId)row, at == Prompt - 1);
            Decode(tokens);
        }

        private void Decode(LLamaBatch tokens)
        {
            if (_context.Decode(tokens) is not DecodeResult.Ok and var result) throw new InvalidOperationException($"{result}");
        }
    }

    private static int Best(ReadOnlySpan<float> logits) => System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
}

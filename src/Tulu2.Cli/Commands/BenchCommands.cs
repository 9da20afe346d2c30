using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Workers;
using Tulu2.Collectives.Benchmarks;
using Tulu2.Files;
using Tulu2.Models.Llama;
using Tulu2.Training.Measurement;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary>
/// <c>bench train</c>: what a step costs against what the machine's own matrix product would, or how several ranks scale. <c>bench memory</c>: the plan's memory
/// against the real. <c>bench allreduce</c>: what moving tensors between ranks costs against a copy of memory and a plain socket.
/// </summary>
internal sealed class BenchCommands(Terminal terminal)
{
    private const int SlotsMeasured = 4;

    // Of a scaling measurement where nothing else is asked for: a minute on two cores.
    private const int LayoutSteps = 2, LayoutRounds = 3, LayoutHidden = 256, LayoutFeed = 704, LayoutVocabulary = 4096;

    private readonly Option<int> _layers = CommandBuilder.Option("--layers", "Decoder layers", 4);
    private readonly Option<int> _hidden = CommandBuilder.Option("--hidden", "Width", 512);
    private readonly Option<int> _heads = CommandBuilder.Option("--heads", "Attention heads", 8);
    private readonly Option<int> _keyValueHeads = CommandBuilder.Option("--kv-heads", "Key-value heads", 4);
    private readonly Option<int> _feed = CommandBuilder.Option("--ffn", "Width of the feed-forward part", 1408);
    private readonly Option<int> _vocabulary = CommandBuilder.Option("--vocabulary", "Vocabulary", 8192);
    private readonly Option<int> _sequences = CommandBuilder.Option("--sequences", "Sequences a step; for DPO two make a pair", 4);
    private readonly Option<int> _length = CommandBuilder.Option("--length", "Tokens of each sequence", 256);
    private readonly Option<int> _shards = CommandBuilder.Option("--virtual-shards", "Virtual shards", 4);
    private readonly Option<int> _steps = CommandBuilder.Option("--steps", "Steps measured in each case", 20);

    private readonly Option<int[]> _sizes = Several("--sizes", "MiB of each rank's buffer", 1, 4, 16, 64, 256);
    private readonly Option<int[]> _ranks = Several("--ranks", "Ranks", 2, 4);
    private readonly Option<int> _rounds = CommandBuilder.Option("--rounds", "Times that each is measured; small sizes are measured more often", 5);

    private readonly Option<bool> _layouts = CommandBuilder.Flag("--layouts", "Scaling instead: one rank beside two by data, tensor and pipeline parallelism; a smaller model, 3 rounds and 2 steps a round unless given");
    private readonly Option<bool> _processes = CommandBuilder.Flag("--processes", "With --layouts: ranks as processes of their own, as `train` runs them (default)");
    private readonly Option<bool> _threads = CommandBuilder.Flag("--threads", "With --layouts: ranks as threads of this process");
    private readonly Option<Objective> _objective = CommandBuilder.Option("--objective", "sft or dpo", Objective.Sft);
    private readonly Option<Precision> _precision = CommandBuilder.Option("--precision", "fp32 or bf16", Precision.Fp32);
    private readonly Option<bool> _recompute = CommandBuilder.Flag("--recompute", "Compute each block's activations again in the backward pass");

    public Command Create() => CommandBuilder.Group("bench", "Measure this machine",
        CommandBuilder.Command("train", "Tokens/s of SFT and DPO steps in fp32 and bf16, on one thread, against the machine's own matrix product",
            [_layers, _hidden, _heads, _keyValueHeads, _feed, _vocabulary, _sequences, _length, _shards, _steps, _layouts, _processes, _threads, _rounds], TrainAsync),
        CommandBuilder.Command("memory", "What a rank's resident memory grows by, beside what `plan` says of it",
            [_layers, _hidden, _heads, _keyValueHeads, _feed, _vocabulary, _sequences, _length, _shards, _objective, _precision, _recompute], Memory),
        CommandBuilder.Command("allreduce", "Bandwidth of an all-reduce over each transport, beside a copy of memory and plain loopback sockets of the same bytes",
            [_sizes, _ranks, _rounds], AllReduceAsync));

    private int Memory(ParseResult parsed)
    {
        var (config, shards) = Shape(parsed);
        var result = MemoryBenchmark.Run(new MeasuredRun(config, shards, parsed.GetValue(_objective), parsed.GetValue(_precision), parsed.GetValue(_recompute),
            SlotsMeasured, parsed.GetValue(_sequences), parsed.GetValue(_length)));
        var table = new Table().AddColumns("kind", "bytes");
        foreach (var (kind, bytes) in result.Kinds.Where(kind => kind.Value > 0)) table.AddRow(kind, Quantity.Bytes(bytes));
        table.AddRow("planned without runtime, reserve and snapshot", Quantity.Bytes(result.Planned));
        table.AddRow("measured", $"{Quantity.Bytes(result.Measured)} ({result.Ratio:F3} of it)");
        terminal.Human.Write(table);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
        return ExitCode.Done;
    }

    private async Task<int> LayoutsAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_threads) && parsed.GetValue(_processes)) throw new BadInputException("--threads", "ranks cannot be processes too", "use one of the two");
        if (parsed.GetValue(_rounds) < 1) throw new BadInputException(_rounds.Name, $"{parsed.GetValue(_rounds)} is below 1", "use 1 or more");
        var (config, shards) = Shape(parsed, small: true);
        var program = parsed.GetValue(_threads) ? null : WorkerEntry.Program;
        var steps = Given(parsed, _steps) ? parsed.GetValue(_steps) : LayoutSteps;
        var rounds = Given(parsed, _rounds) ? parsed.GetValue(_rounds) : LayoutRounds;
        var run = new MeasuredRun(config, shards, Objective.Sft, Precision.Fp32, Recompute: false, SlotsMeasured, parsed.GetValue(_sequences), parsed.GetValue(_length));
        var layouts = new List<MeasuredLayout> { new(new(1)), new(new(2)), new(new(2), Overlap: true), new(new(2, zero: 2)), new(new(2, zero: 2), Overlap: true) };
        if (shards > 1) layouts.Add(new(new(1, tensor: 2)));
        if (config.Layers > 1) layouts.Add(new(new(1, pipeline: 2)));
        var results = await ProgressDisplay.RunAsync(terminal, "bench train", report =>
            LayoutBenchmark.Run(run, layouts, rounds, steps, program, done => report(new ProgressSnapshot(done, rounds * layouts.Count))), cancellation);
        var table = new Table().AddColumns("data x tensor x pipeline", "ranks", "tokens/s", "over one rank", "computing", "waiting", "bubble", "tensor sums", "reduction", "beside computing");
        foreach (var result in results)
            table.AddRow(result.Layout, $"{result.Ranks}", $"{result.TokensPerSecond:N0}", $"{result.Speedup:F2}", NumberText.Percent(result.Compute), NumberText.Percent(result.Waiting),
                NumberText.Percent(result.Bubble), NumberText.Percent(result.TensorSums), NumberText.Percent(result.Reduction), NumberText.Percent(result.Beside));
        terminal.Human.Write(table);
        terminal.WriteHuman($"{config.ParameterCount:N0} parameters, {SlotsMeasured} slots a step, SFT in fp32, ranks as {(program is null ? "threads" : "processes")} with one "
            + $"intra-op thread each; medians of {rounds} rounds in turn; shares are of all ranks' time, the rest is the update");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private async Task<int> TrainAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_layouts)) return await LayoutsAsync(parsed, cancellation);
        var (config, shards) = Shape(parsed);
        var results = await ProgressDisplay.RunAsync(terminal, "bench train", report => Measure(parsed, config, shards, report, cancellation), cancellation);
        var table = new Table().AddColumns("objective", "precision", "tokens/s", "of the ceiling", "ceiling GFLOP/s", "outside libtorch", "managed overhead");
        foreach (var result in results)
            table.AddRow(result.Objective, result.Precision, $"{result.TokensPerSecond:N0}", NumberText.Percent(result.CeilingShare),
                $"{result.CeilingFlops / 1e9:F1}",
                NumberText.Percent(result.OutsideLibtorch), NumberText.Percent(result.ManagedOverhead));
        terminal.Human.Write(table);
        terminal.WriteHuman($"{config.ParameterCount:N0} parameters, {NumberText.Count(shards, "virtual shard")}, "
            + $"{parsed.GetValue(_sequences) * parsed.GetValue(_length):N0} tokens a step, one thread; ratios are of processor time, the optimizer included");
        foreach (var (kind, seconds) in results[0].Kinds.OrderByDescending(kind => kind.Value))
            terminal.WriteHuman($"  {results[0].Objective} {results[0].Precision}: {kind,-26} {1e3 * seconds,8:F2} ms a step");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private static bool Given(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static Option<int[]> Several(string name, string description, params int[] otherwise)
    {
        var option = CommandBuilder.Option(name, description, otherwise);
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }

    private async Task<int> AllReduceAsync(ParseResult parsed, CancellationToken cancellation)
    {
        foreach (var (option, least) in new[] { (_sizes, 1), (_ranks, 2) })
            if (parsed.GetValue(option)!.Any(value => value < least || value > 4096))
                throw new BadInputException(option.Name, $"a value is not within {least} and 4096", "use smaller or larger ones");
        if (parsed.GetValue(_rounds) < 1) throw new BadInputException(_rounds.Name, $"{parsed.GetValue(_rounds)} is below 1", "use 1 or more");
        var results = await ProgressDisplay.RunAsync(terminal, "bench allreduce", report => MeasureAllReduce(parsed, report, cancellation), cancellation);
        var table = new Table().AddColumns("ranks", "MiB", "transport", "GB/s", "memcpy GB/s", "socket GB/s", "of buffers GB/s", "of the bound");
        foreach (var result in results)
            table.AddRow($"{result.Ranks}", $"{result.Bytes >> 20}", result.Transport, $"{result.BytesPerSecond / 1e9:F2}", $"{result.MemcpyBytesPerSecond / 1e9:F2}",
                $"{result.SocketBytesPerSecond / 1e9:F2}", $"{result.StreamBytesPerSecond / 1e9:F2}", NumberText.Percent(result.BoundShare, 0));
        terminal.Human.Write(table);
        terminal.WriteHuman("GB/s: bytes that have to go from rank to rank, all ranks together; bound: a plain socket for tcp, a copy of memory for the others; of buffers: a socket whose memory is the ranks' buffers, not one piece in the cache");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private IReadOnlyList<AllReduceResult> MeasureAllReduce(ParseResult parsed, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var cases = (from ranks in parsed.GetValue(_ranks)! from size in parsed.GetValue(_sizes)! select (ranks, size)).ToArray();
        var results = new List<AllReduceResult>();
        for (var done = 0; done < cases.Length; done++)
        {
            cancellation.ThrowIfCancellationRequested();
            report(new ProgressSnapshot(done, cases.Length));
            results.AddRange(AllReduceBenchmark.Run(cases[done].ranks, (long)cases[done].size << 20, parsed.GetValue(_rounds)));
        }
        report(new ProgressSnapshot(cases.Length, cases.Length));
        return results;
    }

    private IReadOnlyList<StepMeasurement> Measure(ParseResult parsed, LlamaConfig config, int shards, Action<ProgressSnapshot> report,
        CancellationToken cancellation)
    {
        var results = new List<StepMeasurement>();
        (Objective, Precision)[] cases =
        [
            (Objective.Sft, Precision.Fp32), (Objective.Sft, Precision.Bf16), (Objective.Dpo, Precision.Fp32), (Objective.Dpo, Precision.Bf16),
        ];
        foreach (var (objective, precision) in cases)
        {
            cancellation.ThrowIfCancellationRequested();
            report(new ProgressSnapshot(results.Count, cases.Length));
            results.Add(StepBenchmark.Run(config, shards, objective, precision, parsed.GetValue(_sequences), parsed.GetValue(_length),
                parsed.GetValue(_steps)));
        }
        report(new ProgressSnapshot(cases.Length, cases.Length));
        return results;
    }

    private (LlamaConfig Config, int VirtualShards) Shape(ParseResult parsed, bool small = false)
    {
        foreach (var option in new[] { _layers, _hidden, _heads, _keyValueHeads, _feed, _vocabulary, _sequences, _length, _shards, _steps })
            if (parsed.CommandResult.Command.Options.Contains(option) && parsed.GetValue(option) < 1) throw new BadInputException(option.Name, $"{parsed.GetValue(option)} is below 1", "use 1 or more");
        if (parsed.GetValue(_sequences) % 2 != 0) throw new BadInputException("--sequences", "two sequences make a pair of DPO", "use an even number");
        int Size(Option<int> option, int smaller) => small && !Given(parsed, option) ? smaller : parsed.GetValue(option);
        var hidden = Size(_hidden, LayoutHidden);
        if (hidden % parsed.GetValue(_heads) != 0) throw new BadInputException("--heads", "does not divide --hidden", "use a divisor");
        if (parsed.GetValue(_heads) % parsed.GetValue(_keyValueHeads) != 0)
            throw new BadInputException("--kv-heads", "does not divide --heads", "use a divisor");
        if (!int.IsPow2(parsed.GetValue(_shards))) throw new BadInputException("--virtual-shards", "is not a power of two", "use 1, 2, 4 or 8");
        var config = new LlamaConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Size(_feed, LayoutFeed),
            Layers = parsed.GetValue(_layers),
            Heads = parsed.GetValue(_heads),
            KeyValueHeads = parsed.GetValue(_keyValueHeads),
            HeadSize = hidden / parsed.GetValue(_heads),
            VocabularySize = Size(_vocabulary, LayoutVocabulary),
        };
        return (config, FlatLayout.LargestVirtualShards(config, parsed.GetValue(_shards)));
    }
}

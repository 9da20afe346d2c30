using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Collectives.Benchmarks;
using Tulu2.Collectives.Network;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Runs.Output;
using Tulu2.Training.Benchmarks;
using Tulu2.Training.Objectives;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary>
/// <c>bench memory</c>: measured memory beside the planned. <c>bench allreduce</c>: bandwidth between ranks relative to a copy of memory and a plain
/// socket. <c>bench train</c>, <c>bench generate</c> and <c>bench control</c> are commands of their own.
/// </summary>
internal sealed class BenchCommands(Terminal terminal)
{
    private const int MostOfAny = 4096;

    private readonly BenchShape _shape = new();
    private readonly Option<Objective> _objective = CommandBuilder.Option("--objective", string.Join(" or ", ObjectiveCatalog.All.Select(objective => objective.Name)), Objective.Sft);
    private readonly Option<Precision> _precision = CommandBuilder.Option("--precision", "fp32 or bf16", Precision.Fp32);
    private readonly Option<bool> _recompute = CommandBuilder.Flag("--recompute", "Recompute each block's activations in the backward pass");

    private readonly Option<int?> _lora = CommandBuilder.Optional<int?>("--lora", "Train adapters of this rank beside a frozen model");
    private readonly Option<Quantization> _quantize = CommandBuilder.Option("--quantize", "none or nf4: how the frozen model is held", Quantization.None);

    private readonly Option<int[]> _sizes = Several("--sizes", "MiB of each rank's buffer", 1, 4, 16, 64, 256);
    private readonly Option<int[]> _ranks = Several("--ranks", "Numbers of ranks", 2, 4);
    private readonly Option<int> _rounds = CommandBuilder.Option("--rounds", "Measurements per case; small sizes are measured more often", 5);

    public Command Create() => CommandBuilder.Group("bench", "Measure this machine",
        new BenchTrainCommand(terminal).Create(),
        new BenchGenerateCommand(terminal).Create(),
        new BenchControlCommand(terminal).Create(),
        CommandBuilder.Command("memory", "Growth of a rank's resident memory, beside what `plan` predicts", [.. _shape.Symbols, _objective, _precision, _recompute, _lora, _quantize], Memory),
        CommandBuilder.Command("allreduce", "Bandwidth of an all-reduce over each transport, beside a copy of memory and plain loopback sockets of the same bytes",
            [_sizes, _ranks, _rounds], AllReduceAsync));

    private int Memory(ParseResult parsed)
    {
        var (config, shards) = _shape.Model(parsed);
        if (parsed.GetValue(_lora) is < 1) throw new BadInputException("--lora", "is below 1", "use a rank from 1 on");
        if (parsed.GetValue(_lora) is null && parsed.GetValue(_quantize) != Quantization.None) throw new BadInputException("--quantize", "quantises the model beside adapters, and none are trained", "add --lora RANK");
        var result = MemoryBenchmark.Run(new MeasuredRun(config, shards, parsed.GetValue(_objective), parsed.GetValue(_precision), parsed.GetValue(_recompute),
            BenchShape.Slots, _shape.Sequences(parsed), _shape.Length(parsed))
        {
            Lora = parsed.GetValue(_lora) is { } rank ? new LoraRecipe { Rank = rank, Quantize = parsed.GetValue(_quantize) } : null,
        });
        var table = new Table().AddColumns("kind", "bytes");
        foreach (var (kind, bytes) in result.Kinds.Where(kind => kind.Value > 0)) table.AddRow(kind, Quantity.Bytes(bytes));
        table.AddRow("planned without runtime, reserve and snapshot", Quantity.Bytes(result.Planned));
        table.AddRow("measured", $"{Quantity.Bytes(result.Measured)} ({result.Ratio:F3} of it)");
        terminal.Human.Write(table);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
        return ExitCode.Done;
    }

    private async Task<int> AllReduceAsync(ParseResult parsed, CancellationToken cancellation)
    {
        foreach (var (option, least) in new[] { (_sizes, 1), (_ranks, 2) })
            if (parsed.GetValue(option)!.Any(value => value < least || value > MostOfAny))
                throw new BadInputException(option.Name, $"a value is not within {least} and {MostOfAny}", "use smaller or larger ones");
        CommandBuilder.AtLeastOne(parsed, _rounds);
        var results = await ProgressDisplay.RunAsync(terminal, "bench allreduce", report => MeasureAllReduce(parsed, report, cancellation), cancellation);
        var table = new Table().AddColumns("ranks", "MiB", "transport", "GB/s", "memcpy GB/s", "socket GB/s", "of buffers GB/s", "of the bound");
        foreach (var result in results)
            table.AddRow($"{result.Ranks}", $"{result.Bytes >> 20}", result.Transport, $"{result.BytesPerSecond / 1e9:F2}", $"{result.MemcpyBytesPerSecond / 1e9:F2}",
                $"{result.SocketBytesPerSecond / 1e9:F2}", $"{result.StreamBytesPerSecond / 1e9:F2}", NumberText.Percent(result.BoundShare, 0));
        terminal.Human.Write(table);
        terminal.WriteHuman("GB/s: bytes that have to go from rank to rank, all ranks together; bound: a plain socket for tcp, with TLS too, a copy of memory for the others; of buffers: a socket whose memory is the ranks' buffers, not one piece in the cache");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private IReadOnlyList<AllReduceResult> MeasureAllReduce(ParseResult parsed, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var cases = (from ranks in parsed.GetValue(_ranks)! from size in parsed.GetValue(_sizes)! select (ranks, size)).ToArray();
        var results = new List<AllReduceResult>();
        var self = ClusterIdentity.OfItself();
        var identity = new PeerIdentity(self.Own, self.WhyRefused);
        for (var done = 0; done < cases.Length; done++)
        {
            cancellation.ThrowIfCancellationRequested();
            report(new ProgressSnapshot(done, cases.Length));
            results.AddRange(AllReduceBenchmark.Run(cases[done].ranks, (long)cases[done].size << 20, parsed.GetValue(_rounds), identity));
        }
        report(new ProgressSnapshot(cases.Length, cases.Length));
        return results;
    }

    private static Option<int[]> Several(string name, string description, params int[] otherwise)
    {
        var option = CommandBuilder.Option(name, description, otherwise);
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }
}

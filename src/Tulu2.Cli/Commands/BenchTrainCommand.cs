using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Training.Benchmarks;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>bench train</c>: the speed of a training step relative to the machine's own matrix product, or the scaling over several ranks.</summary>
internal sealed class BenchTrainCommand(Terminal terminal)
{
    // A scaling measurement where nothing else is asked for: a minute on two cores.
    private const int LayoutSteps = 2, LayoutRounds = 3;
    private static readonly SmallerShape LayoutShape = new(Hidden: 256, Feed: 704, Vocabulary: 4096);

    private readonly BenchShape _shape = new();
    private readonly Option<int> _steps = CommandBuilder.Option("--steps", "Steps to measure per case", 20);
    private readonly Option<int> _rounds = CommandBuilder.Option("--rounds", "With --layouts: rounds of measurements", LayoutRounds);
    private readonly Option<string?> _pairs = CommandBuilder.Optional<string>("--pairs",
        "Measure DPO on pairs of the lengths in this file, `prompt chosen rejected` a line, with the prompt computed once and once for each answer");
    private readonly Option<bool> _layouts = CommandBuilder.Flag("--layouts", "Measure scaling instead: one rank, and two ranks by data, tensor and pipeline parallelism; a smaller model, 3 rounds and 2 steps per round by default");
    private readonly Option<bool> _processes = CommandBuilder.Flag("--processes", "With --layouts: run ranks as separate processes, as `train` does (default)");
    private readonly Option<bool> _threads = CommandBuilder.Flag("--threads", "With --layouts: run ranks as threads of this process");

    public Command Create() => CommandBuilder.Command("train", "Tokens/s of SFT and DPO steps in fp32 and bf16, on one thread, relative to the machine's own matrix product",
        [.. _shape.Symbols, _steps, _pairs, _layouts, _processes, _threads, _rounds],
        (parsed, cancellation) => parsed.GetValue(_layouts) ? LayoutsAsync(parsed, cancellation) : StepsAsync(parsed, cancellation));

    private async Task<int> StepsAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (config, shards) = _shape.Model(parsed);
        CommandBuilder.AtLeastOne(parsed, _steps);
        var results = await ProgressDisplay.RunAsync(terminal, "bench train", report => Measure(parsed, config, shards, report, cancellation), cancellation);
        var table = new Table().AddColumns("objective", "precision", "prompts", "tokens/s", "tokens/processor s", "of the ceiling", "ceiling GFLOP/s", "outside libtorch", "managed overhead");
        foreach (var result in results)
            table.AddRow(result.Objective, result.Precision, result.SharesPrompts ? "shared" : "", $"{result.TokensPerSecond:N0}", $"{result.TokensPerProcessorSecond:N0}", NumberText.Percent(result.CeilingShare),
                $"{result.CeilingFlops / 1e9:F1}", NumberText.Percent(result.OutsideLibtorch), NumberText.Percent(result.ManagedOverhead));
        terminal.Human.Write(table);
        terminal.WriteHuman($"{config.ParameterCount:N0} parameters, {NumberText.Count(shards, "virtual shard")}, "
            + $"{results[0].Rows:N0} rows a step, one thread; ratios are of processor time, the optimizer included");
        foreach (var result in parsed.GetValue(_pairs) is null ? results.Take(1) : results.Where(result => result.SharesPrompts))
            foreach (var (kind, seconds) in result.Kinds.OrderByDescending(kind => kind.Value))
                terminal.WriteHuman($"  {result.Objective} {result.Precision}: {kind,-26} {1e3 * seconds,8:F2} ms a step");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private IReadOnlyList<StepMeasurement> Measure(
        ParseResult parsed, ModelConfig config, int shards, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var results = new List<StepMeasurement>();
        var (sequences, steps) = (_shape.Sequences(parsed), parsed.GetValue(_steps));
        Precision[] precisions = [Precision.Fp32, Precision.Bf16];
        Func<StepMeasurement>[] cases = parsed.GetValue(_pairs) is { } lengths
            ? [.. from precision in precisions
                  from share in new[] { true, false }
                  select (Func<StepMeasurement>)(() => StepBenchmark.RunPairs(config, shards, precision, lengths, sequences / 2, share, steps))]
            : [.. from objective in new[] { Objective.Sft, Objective.Dpo }
                  from precision in precisions
                  select (Func<StepMeasurement>)(() => StepBenchmark.Run(config, shards, objective, precision, sequences, _shape.Length(parsed), steps))];
        foreach (var measure in cases)
        {
            cancellation.ThrowIfCancellationRequested();
            report(new ProgressSnapshot(results.Count, cases.Length));
            results.Add(measure());
        }
        report(new ProgressSnapshot(cases.Length, cases.Length));
        return results;
    }

    private async Task<int> LayoutsAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_threads) && parsed.GetValue(_processes)) throw new BadInputException("--threads", "ranks cannot be processes too", "use one of the two");
        var rounds = CommandBuilder.AtLeastOne(parsed, _rounds);
        var steps = CommandBuilder.IsGiven(parsed, _steps) ? CommandBuilder.AtLeastOne(parsed, _steps) : LayoutSteps;
        var (config, shards) = _shape.Model(parsed, LayoutShape);
        var program = parsed.GetValue(_threads) ? null : WorkerEntry.Rank(adoption: null);
        var run = new MeasuredRun(
            config, shards, Objective.Sft, Precision.Fp32, Recompute: false, BenchShape.Slots, _shape.Sequences(parsed), _shape.Length(parsed));
        var layouts = Layouts(config, shards);
        var results = await ProgressDisplay.RunAsync(terminal, "bench train", report =>
            LayoutBenchmark.Run(run, layouts, rounds, steps, program, done => report(new ProgressSnapshot(done, rounds * layouts.Count))), cancellation);
        var table = new Table().AddColumns("data x tensor x pipeline", "ranks", "tokens/s", "over one rank", "computing", "waiting", "bubble", "tensor sums", "reduction", "overlapped");
        foreach (var result in results)
            table.AddRow(result.Layout, $"{result.Ranks}", $"{result.TokensPerSecond:N0}", $"{result.Speedup:F2}", NumberText.Percent(result.Compute), NumberText.Percent(result.Waiting),
                NumberText.Percent(result.Bubble), NumberText.Percent(result.TensorSums), NumberText.Percent(result.Reduction), NumberText.Percent(result.Beside));
        terminal.Human.Write(table);
        terminal.WriteHuman($"{config.ParameterCount:N0} parameters, {BenchShape.Slots} slots a step, SFT in fp32, ranks as {(program is null ? "threads" : "processes")} with one "
            + $"intra-op thread each; medians of {rounds} rounds in turn; shares are of all ranks' time, the rest is the update");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private static List<MeasuredLayout> Layouts(ModelConfig config, int shards)
    {
        List<MeasuredLayout> layouts = [new(new(1)), new(new(2)), new(new(2), Overlap: true), new(new(2, zero: 2)), new(new(2, zero: 2), Overlap: true)];
        if (shards > 1) layouts.Add(new(new(1, tensor: 2)));
        if (config.Layers > 1) layouts.Add(new(new(1, pipeline: 2)));
        return layouts;
    }
}

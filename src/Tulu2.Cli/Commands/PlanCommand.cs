using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Files;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>plan RECIPE [--ranks N]</c>: the memory, traffic and time of a layout, before anything runs.</summary>
internal sealed class PlanCommand(Terminal terminal)
{
    private readonly RecipeArguments _recipe = new("YAML file; its weights and its data need not exist");
    private readonly Option<string?> _model = CommandBuilder.Optional<string>("--model", "A preset in place of the recipe's model, such as llama2-70b");
    private readonly Option<int?> _ranks = CommandBuilder.Optional<int?>("--ranks", "Number of ranks to find the best layout for; without it the recipe's own layout is checked, or, where it names none, the smallest that fits is found");
    private readonly Option<int?> _perNode = CommandBuilder.Optional<int?>("--ranks-per-node", "Ranks per node; 8 by default, on a processor all of them");
    private readonly Option<int?> _length = CommandBuilder.Optional<int?>("--length", "Mean tokens per sequence, for the step time; data.max_length by default");
    private readonly Option<string?> _device = CommandBuilder.Optional<string>("--device", "cuda, or cpu (one core of this machine per rank); parallel.device by default");
    private readonly Option<string?> _memory = CommandBuilder.Optional<string>("--memory", "Memory per rank, such as 80GiB; on a processor by default its share of this machine's");
    private readonly Option<string?> _hostMemory = CommandBuilder.Optional<string>("--host-memory", "Host memory per rank, such as 128GiB");
    private readonly Option<string?> _flops = CommandBuilder.Optional<string>("--flops", "Floating-point operations per second that a rank achieves, such as 156T; measured on a processor");
    private readonly Option<string?> _memoryBandwidth = CommandBuilder.Optional<string>("--memory-bandwidth", "Bandwidth of a rank's device memory, such as 1.5TB/s");
    private readonly Option<string?> _hostBandwidth = CommandBuilder.Optional<string>("--host-bandwidth", "Host memory bandwidth of one thread, such as 8GB/s");
    private readonly Option<string?> _busBandwidth = CommandBuilder.Optional<string>("--bus-bandwidth", "Bandwidth between a GPU and host memory, such as 20GB/s");
    private readonly Option<string?> _deviceBandwidth = CommandBuilder.Optional<string>("--device-bandwidth", "NCCL bandwidth from GPU to GPU within a node, such as 200GB/s");
    private readonly Option<string?> _nodeBandwidth = CommandBuilder.Optional<string>("--node-bandwidth", "Data-plane bandwidth of a rank within its node, such as 5GB/s");
    private readonly Option<string?> _linkBandwidth = CommandBuilder.Optional<string>("--link-bandwidth", "Network bandwidth of a rank to other nodes, such as 200Gbit/s");
    private readonly Option<bool> _cards = CommandBuilder.Flag("--cards", "On how many cards of 24, 48 and 80 GB each of the paper's models trains as the recipe says, and with which layout");
    private readonly Option<string?> _disk = CommandBuilder.Optional<string>("--disk", "Disk bandwidth of all ranks together, such as 2GB/s");

    public Command Create() => CommandBuilder.Command("plan", "Prove shapes, memory, traffic and time of a layout before anything starts, or find the best one",
        [.. _recipe.Symbols, _model, _ranks, _perNode, _length, _device, _memory, _hostMemory, _flops, _memoryBandwidth, _hostBandwidth, _busBandwidth,
            _deviceBandwidth, _nodeBandwidth, _linkBandwidth, _disk, _cards], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var loaded = _recipe.Load(parsed);
        var flags = new PlanFlags
        {
            Model = parsed.GetValue(_model),
            Device = parsed.GetValue(_device),
            Ranks = parsed.GetValue(_ranks),
            RanksPerNode = parsed.GetValue(_perNode),
            Length = parsed.GetValue(_length),
            Memory = parsed.GetValue(_memory),
            Flops = parsed.GetValue(_flops),
            MemoryBandwidth = parsed.GetValue(_memoryBandwidth),
            HostMemory = parsed.GetValue(_hostMemory),
            HostBandwidth = parsed.GetValue(_hostBandwidth),
            BusBandwidth = parsed.GetValue(_busBandwidth),
            DeviceBandwidth = parsed.GetValue(_deviceBandwidth),
            NodeBandwidth = parsed.GetValue(_nodeBandwidth),
            LinkBandwidth = parsed.GetValue(_linkBandwidth),
            Disk = parsed.GetValue(_disk),
        };
        if (parsed.GetValue(_cards))
        {
            var plans = await Task.Run(() => CardPlans.Of(loaded, flags), cancellation).WaitAsync(cancellation);
            PlanTables.Print(plans, terminal);
            if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(PlanJson.Of(plans)));
            return ExitCode.Done;
        }
        if (flags.Model is null) loaded = await PlanInput.WithShapeAsync(loaded, terminal.Say, cancellation);
        var result = await Task.Run(() => PlanResult.Of(PlanInput.Read(loaded, flags, terminal.Say), flags.Ranks, PlanInput.IsOpen(loaded)), cancellation)
            .WaitAsync(cancellation);
        PlanTables.Print(result, terminal);
        foreach (var sentence in result.MissingEffects) terminal.Say($"warning: {sentence}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(PlanJson.Of(result)));
        return ExitCode.Done;
    }
}

using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Training.Planning;

namespace Tulu2.Cli.Tables;

/// <summary>A plan for people.</summary>
internal static class PlanTables
{
    private const int OthersShown = 5;

    public static void Print(PlanResult result, Terminal terminal)
    {
        var (request, chosen) = (result.Request, result.Chosen);
        var rates = request.Rates;
        terminal.WriteHuman($"{request.Config.ParameterCount:N0} parameters, {request.Recipe.Objective.ToString().ToLowerInvariant()} in "
            + $"{request.Recipe.Precision.ToString().ToLowerInvariant()}, {NumberText.Count(request.Slots, "slot")} of {NumberText.Count(request.SequencesPerSlot, "sequence")} a step; memory for sequences of "
            + $"{NumberText.Count(request.Recipe.Data.MaxLength, "token")}, time for {request.Length:N0}");
        if (result.Proposal is not null) terminal.WriteHuman(result.Proposal);
        terminal.WriteHuman($"{NumberText.Count(chosen.Ranks, "rank")} on {(rates.Cuda ? "GPUs" : "processor cores")}, {request.RanksPerNode} a node, {Quantity.Bytes(rates.MemoryBytes)} each{(rates.Cuda ? $" and {Quantity.Bytes(rates.HostBytes)} of host memory" : "")}; rates {rates.Source}: {rates.Flops / 1e12:G4} TFLOP/s, "
            + $"{(rates.Cuda ? $"{rates.DeviceBandwidth / 1e9:G4} GB/s from GPU to GPU, {rates.BusBandwidth / 1e9:G4} GB/s to host memory, " : "")}{rates.NodeBandwidth / 1e9:G4} GB/s within a node, {rates.LinkBandwidth / 1e9:G4} GB/s between nodes, {rates.DiskBandwidth / 1e9:G4} GB/s to disk");
        terminal.WriteHuman($"layout: {chosen}, {NumberText.Count(chosen.VirtualShards, "virtual shard")}");
        terminal.Human.Write(Proof(chosen));
        terminal.Human.Write(Memory(request, chosen));
        terminal.Human.Write(Traffic(chosen.Traffic!));
        terminal.Human.Write(Time(result));
        if (result.Others.Count > 0) terminal.Human.Write(Others(result));
        if (result.Flags.ToList() is { Count: > 0 } flags) terminal.WriteHuman($"use it: {string.Join(' ', flags)}");
        if (chosen.VirtualShards != request.Recipe.Parallel.VirtualShards)
            terminal.WriteHuman($"virtual shards: {chosen.VirtualShards} in place of {request.Recipe.Parallel.VirtualShards}; another number is another run, with other bits");
    }

    public static void Print(IReadOnlyList<CardPlan> plans, Terminal terminal)
    {
        var table = new Table().AddColumns("model", "card", "cards", "layout", "memory of a card", "tokens/s");
        foreach (var plan in plans)
            if (plan.Best is { } best)
                table.AddRow(plan.Model, $"{plan.CardGigabytes} GB", $"{best.Ranks}", $"{best}", $"{best.DeviceBytes / 1e9:F1} GB", $"{best.TokensPerSecond:N0}");
            else table.AddRow(plan.Model, $"{plan.CardGigabytes} GB", $"over {CardPlans.MostCards}", "", "", "");
        terminal.Human.Write(table);
        terminal.WriteHuman("the fewest cards, by doubling, eight a node; memory for sequences of data.max_length, rates assumed; nothing of it was measured on a GPU");
    }

    private static Table Proof(PlannedLayout plan)
    {
        var table = new Table().AddColumns("divides", "how");
        foreach (var line in plan.Proof) table.AddRow(line.Rule, line.Detail);
        return table;
    }

    private static Table Memory(PlanRequest request, PlannedLayout plan)
    {
        var (rates, worst) = (request.Rates, plan.Memory!);
        var table = new Table().AddColumns($"memory of a rank{(plan.Pipeline > 1 ? $", stage {plan.Stages.ToList().IndexOf(worst)}" : "")}", "bytes");
        Rows(onHost: false, rates.MemoryBytes, "in all", plan.DeviceBytes);
        if (rates.Cuda) Rows(onHost: true, rates.HostBytes, "in all in host memory", plan.HostBytes);
        if (plan.Pipeline > 1) table.AddRow("by stage", string.Join(", ", plan.Stages.Select(stage => Quantity.Bytes(stage.Device))));
        return table;

        void Rows(bool onHost, long room, string all, long bytes)
        {
            foreach (var use in worst.Kinds)
                if (use.Bytes > 0 && use.OnHost == onHost) table.AddRow(use.Kind, Quantity.Bytes(use.Bytes));
            table.AddRow($"{all}, of {Quantity.Bytes(room)}", $"{Quantity.Bytes(bytes)} ({NumberText.Percent((double)bytes / room, 0)})");
        }
    }

    private static Table Traffic(RankTraffic traffic)
    {
        var table = new Table().AddColumns("a rank sends in a step", "within its node", "to other nodes");
        foreach (var (kind, use) in traffic.Kinds) table.AddRow(kind, Quantity.Bytes(use.NodeBytes), Quantity.Bytes(use.LinkBytes));
        return table;
    }

    private static Table Time(PlanResult result)
    {
        var seconds = result.Chosen.Seconds!;
        var table = new Table().AddColumns("a step", "time", "share");
        foreach (var (kind, time) in seconds.Kinds) table.AddRow(kind, Quantity.Seconds(time), NumberText.Percent(time / seconds.Step));
        table.AddRow("in all", Quantity.Seconds(seconds.Step), $"{result.Chosen.TokensPerSecond:N0} tokens/s");
        table.AddRow("checkpoint", Quantity.Seconds(result.CheckpointSeconds), $"{Quantity.Bytes(result.CheckpointBytes)}, in the background; ranks stop for {Quantity.Seconds(result.SnapshotSeconds)}");
        return table;
    }

    private static Table Others(PlanResult result)
    {
        var table = new Table().AddColumns("other layouts", "tokens/s", "memory of a rank", "why not");
        foreach (var plan in result.Others.Where(plan => plan.Fits).Take(OthersShown))
            table.AddRow($"{plan}", $"{plan.TokensPerSecond:N0}", Quantity.Bytes(plan.DeviceBytes), plan.TokensPerSecond < result.Chosen.TokensPerSecond ? "slower" : "needs more memory");
        foreach (var plan in result.Others.Where(plan => !plan.Fits).Take(OthersShown))
            table.AddRow($"{plan}", plan.Seconds is null ? "" : $"{plan.TokensPerSecond:N0}", Quantity.Bytes(plan.DeviceBytes), Markup.Escape(plan.Reason!));
        var (fits, not) = (result.Others.Count(plan => plan.Fits), result.Others.Count(plan => !plan.Fits));
        table.Caption($"{NumberText.Count(fits + 1, "layout fits", "layouts fit")}, {NumberText.Count(not, "does", "do")} not");
        return table;
    }
}

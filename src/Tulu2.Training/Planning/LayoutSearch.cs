using System.Numerics;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>Evaluates one layout, or all layouts of a number of ranks. Pure, and fast enough for thousands of layouts.</summary>
public sealed class LayoutSearch(PlanRequest request)
{
    private const int MostRanksTried = 4096;
    private readonly StageCosts _costs = new(request);

    public PlannedLayout Evaluate(int virtualShards, int data, int tensor, int pipeline, int zero, bool recompute, bool split = false)
    {
        var proof = LayoutProof.Of(request.Config, virtualShards, data, tensor, pipeline, zero, request.Slots);
        var bare = new PlannedLayout(virtualShards, data, tensor, pipeline, zero, recompute, tensor > 1 ? split : request.Recipe.Parallel.SplitActivations, proof, [],
            request.Rates.Cuda ? ComputeDevice.Cuda : ComputeDevice.Cpu, tensor > 1 ? request.Transport : request.Recipe.Parallel.Transport, null, null, 0, 0, 0, null);
        if (proof.FirstOrDefault(line => !line.Holds) is { } failed) return bare with { Reason = $"{failed.Rule}: {failed.Detail}" };
        var layout = new ParallelLayout(data, tensor, pipeline, zero);
        var standby = StandbyCopies.May(request.Recipe.Parallel, layout);
        var plan = Evaluate(bare, layout, recompute, split, standby);
        return plan.Fits || !standby || request.Recipe.Parallel.Standby == StandbyUse.On ? plan : Evaluate(bare with { LeavesOutCopies = true }, layout, recompute, split, standby: false);
    }

    private PlannedLayout Evaluate(PlannedLayout bare, ParallelLayout layout, bool recompute, bool split, bool standby)
    {
        var (virtualShards, data, tensor, pipeline) = (bare.VirtualShards, layout.Data, layout.Tensor, layout.Pipeline);
        var stages = _costs.Of(virtualShards, tensor, pipeline, recompute, split);
        var slots = SlotAssignment.Range(request.Slots, data, 0)!.Value.Count;
        var largest = stages.Max(stage => stage.Elements);
        var memory = stages.Select((stage, index) => MemoryModel.Of(request, stage, layout, index, largest, standby)).ToArray();
        var traffic = stages.Select((stage, index) => TrafficModel.Of(request, stage, layout, index, slots, recompute, split, standby)).ToArray();
        var seconds = TimeModel.Of(request, stages, traffic, layout, standby);
        var (bytes, hostBytes) = (memory.Max(stage => stage.Device), memory.Max(stage => stage.Host));
        return bare with
        {
            Stages = memory,
            Traffic = traffic.MaxBy(use => use.Kinds.Sum(kind => kind.Use.NodeBytes + kind.Use.LinkBytes)),
            Seconds = seconds,
            TokensPerSecond = request.Slots * request.SlotTokens / seconds.Step,
            DeviceBytes = bytes,
            HostBytes = hostBytes,
            Reason = TooMuch(memory, stage => stage.Device, request.Rates.MemoryBytes, onHost: false) ?? TooMuch(memory, stage => stage.Host, request.Rates.HostBytes, onHost: true),
        };
    }

    private static string? TooMuch(RankMemory[] stages, Func<RankMemory, long> bytes, long room, bool onHost)
    {
        var worst = stages.Index().MaxBy(stage => bytes(stage.Item));
        if (bytes(worst.Item) <= room) return null;
        var largest = worst.Item.Largest(onHost);
        return $"{Quantity.Bytes(bytes(worst.Item))} on stage {worst.Index} do not fit into {Quantity.Bytes(room)}{(onHost ? " of host memory" : "")}; most of it "
            + $"{largest.Kind}, {Quantity.Bytes(largest.Bytes)}";
    }

    /// <summary>
    /// Every factorisation of <paramref name="ranks"/> into data x tensor x pipeline with every ZeRO degree, with and without recomputation, and with split
    /// activations where the layout does not fit without them. Layouts that fit come first, ordered by step time, then memory; the others by memory.
    /// </summary>
    public IReadOnlyList<PlannedLayout> All(int ranks) =>
    [
        .. Candidates(ranks).OrderBy(plan => !plan.Fits).ThenBy(plan => plan.Stages.Count == 0)
            .ThenBy(plan => plan.Fits ? Math.Round(plan.Seconds!.Step, 6) : 0).ThenBy(plan => plan.DeviceBytes),
    ];

    /// <summary>The first number of ranks, doubling from <paramref name="from"/>, with a layout that fits; null: none up to a few thousand.</summary>
    public int? FewestRanks(int from)
    {
        for (var ranks = from; ranks <= MostRanksTried; ranks *= 2)
            if (Candidates(ranks).Any(plan => plan.Fits)) return ranks;
        return null;
    }

    private IEnumerable<PlannedLayout> Candidates(int ranks)
    {
        var most = request.MayChangeShards ? ParameterMap.LargestVirtualShards(request.Config, Math.Max(request.VirtualShards, (int)BitOperations.RoundUpToPowerOf2((uint)request.RanksPerNode))) : request.VirtualShards;
        for (var tensor = 1; tensor <= most && tensor <= ranks; tensor *= 2)
        {
            if (ranks % tensor != 0) continue;
            foreach (var pipeline in Divisors(ranks / tensor))
            {
                if (pipeline > request.Config.Layers || pipeline > 1 && request.Config.TieEmbeddings) continue;
                var data = ranks / tensor / pipeline;
                if (data > request.Slots) continue;
                foreach (var zero in Divisors(data))
                    foreach (var recompute in new[] { false, true })
                    {
                        var plan = Evaluate(Math.Max(request.VirtualShards, tensor), data, tensor, pipeline, zero, recompute);
                        yield return plan;
                        // Split activations cost gathers and save only memory.
                        if (tensor > 1 && plan.DeviceBytes > request.Rates.MemoryBytes)
                            yield return Evaluate(plan.VirtualShards, data, tensor, pipeline, zero, recompute, split: true);
                    }
            }
        }
    }

    private static IEnumerable<int> Divisors(int number) => Enumerable.Range(1, number).Where(divisor => number % divisor == 0);
}

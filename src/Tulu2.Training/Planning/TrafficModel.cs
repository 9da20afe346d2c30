using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>What a rank sends in a step for one purpose.</summary>
/// <param name="NodeBytes">To ranks of its own node.</param>
/// <param name="LinkBytes">To ranks of other nodes.</param>
/// <param name="Messages">Rounds that wait for each other.</param>
public sealed record LinkUse(double NodeBytes, double LinkBytes, double Messages)
{
    public static LinkUse None { get; } = new(0, 0, 0);

    /// <param name="nccl">From GPU to GPU.</param>
    public double Seconds(DeviceRates rates, bool nccl = false) =>
        NodeBytes / (nccl ? rates.DeviceBandwidth : rates.NodeBandwidth) + LinkBytes / rates.LinkBandwidth + Messages * rates.Latency;

    internal LinkUse Times(double factor) => new(NodeBytes * factor, LinkBytes * factor, Messages * factor);
}

/// <summary>What one rank sends in a step, by purpose.</summary>
/// <param name="TensorSums">The model's sums over tensor-parallel ranks, and their gathers of rows.</param>
/// <param name="Pipeline">Activations to the next stage, their gradients to the one before.</param>
/// <param name="Gradients">The sum over replicas.</param>
/// <param name="Weights">ZeRO: compute weights to the ranks that do not update them.</param>
/// <param name="BusBytes">Between GPU and host memory: gradients and weights once a step, of each slot what stages pass on and, without NCCL, what is added up.</param>
public sealed record RankTraffic(LinkUse TensorSums, LinkUse Pipeline, LinkUse Gradients, LinkUse Weights, double BusBytes)
{
    public IReadOnlyList<(string Kind, LinkUse Use)> Kinds =>
        [("tensor-parallel sums", TensorSums), ("pipeline activations", Pipeline), ("gradient reduction", Gradients), ("ZeRO weights", Weights)];
}

/// <summary>
/// Bytes that a rank sends. A sum of n bytes over g ranks goes in two rounds, each rank adding up one part by the tree: 2 (g - 1) / g n, whatever the transport.
/// Per block and slot 2 sums of [N, D] forward, 2 backward and, with recomputation, 1 again; on the first stage one for the embedding, on the last one for the
/// rows' gradients and three numbers a row. A gather of n bytes of rows goes in one round: (g - 1) / g n. There is one for each stream from another stage, of which
/// n / g came, and where activations are split one a block in the backward pass, two without recomputation. Gradients of 4L bytes: (d - 1) / d to add up the parts, (1/zero - 1/d) to give each rank what it wants.
/// </summary>
internal static class TrafficModel
{
    public static RankTraffic Of(PlanRequest request, StageCost cost, ParallelLayout layout, int stage, int slots, bool recompute, bool split)
    {
        var stream = (double)request.SlotTokens * request.Config.HiddenSize * request.ElementBytes;
        var place = new RankCoordinates(0, stage, 0);
        int blockSums = cost.Layers.Count * (recompute ? 5 : 4);
        var sums = blockSums + (cost.IsFirst ? 1 : 0) + (cost.IsLast ? 1 : 0);
        var rowFigures = cost.IsLast ? 3.0 * sizeof(float) * request.SlotTokens : 0;
        var neighbours = (stage > 0 ? 1 : 0) + (stage + 1 < layout.Pipeline ? 1 : 0);
        var gathers = neighbours + (split ? cost.Layers.Count * (recompute ? 1 : 2) : 0);
        var tensor = Spread(request, layout, place, layout.Tensor, other => place with { Tensor = other },
            (layout.Tensor - 1.0) / layout.Tensor * ((2 * sums + gathers) * stream + 2 * rowFigures), 2 * (sums + (cost.IsLast ? 2 : 0)) + gathers);

        var pipeline = LinkUse.None;
        foreach (var neighbour in new[] { stage - 1, stage + 1 })
            if (neighbour >= 0 && neighbour < layout.Pipeline)
                pipeline = Add(pipeline, To(request, layout, place, place with { Pipeline = neighbour }, stream / layout.Tensor, 1));

        double gradient = sizeof(float) * (double)cost.Elements, data = layout.Data;
        var reduce = Spread(request, layout, place, layout.Data, other => place with { Data = other },
            gradient * ((data - 1) / data + (1.0 / layout.Zero - 1 / data)), 2);
        var weights = Spread(request, layout, place, layout.Zero, other => place with { Data = other },
            (layout.Zero - 1.0) / layout.Zero * cost.Elements * request.ElementBytes, 1);
        return new RankTraffic(tensor.Times(slots), pipeline.Times(slots), reduce, weights, Bus());

        double Bus()
        {
            if (!request.Rates.Cuda) return 0;
            var own = SlotAssignment.Range(request.Slots, layout.Data, 0) is { } range ? GradientBuffers.Of(request.Slots, range, totalApart: true, streams: false).Left : 0;
            // A neighbour's stream comes and one of one's own goes, forward and back: this rank's share. Of a gather over the host a share goes and everything comes.
            var share = stream / layout.Tensor;
            var sumsOfSlot = layout.Tensor > 1 && !request.Nccl ? 2 * (sums * stream + rowFigures) + gathers * (share + stream) : 0;
            return gradient * own + (double)cost.Elements * request.ElementBytes + slots * (2 * neighbours * share + sumsOfSlot);
        }
    }

    // Evenly to all others of a group.
    private static LinkUse Spread(PlanRequest request, ParallelLayout layout, RankCoordinates place, int size, Func<int, RankCoordinates> member, double bytes, double messages)
    {
        if (size == 1) return LinkUse.None;
        var node = layout.RankAt(place) / request.RanksPerNode;
        var near = 0;
        for (var other = 1; other < size; other++)
            if (layout.RankAt(member(other)) / request.RanksPerNode == node) near++;
        return new LinkUse(bytes * near / (size - 1), bytes * (size - 1 - near) / (size - 1), messages);
    }

    private static LinkUse To(PlanRequest request, ParallelLayout layout, RankCoordinates from, RankCoordinates to, double bytes, double messages) =>
        layout.RankAt(from) / request.RanksPerNode == layout.RankAt(to) / request.RanksPerNode ? new LinkUse(bytes, 0, messages) : new LinkUse(0, bytes, messages);

    private static LinkUse Add(LinkUse one, LinkUse other) => new(one.NodeBytes + other.NodeBytes, one.LinkBytes + other.LinkBytes, one.Messages + other.Messages);
}

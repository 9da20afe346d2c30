using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>Traffic that a rank sends in a step for one purpose.</summary>
/// <param name="NodeBytes">Bytes to ranks of its own node.</param>
/// <param name="LinkBytes">Bytes to ranks of other nodes.</param>
/// <param name="Messages">Consecutive rounds, each of which costs one latency.</param>
public sealed record LinkUse(double NodeBytes, double LinkBytes, double Messages)
{
    public static LinkUse None { get; } = new(0, 0, 0);

    /// <param name="nccl">Traffic within a node goes from GPU to GPU.</param>
    public double Seconds(DeviceRates rates, bool nccl = false) =>
        NodeBytes / (nccl ? rates.DeviceBandwidth : rates.NodeBandwidth) + LinkBytes / rates.LinkBandwidth + Messages * rates.Latency;

    internal LinkUse Times(double factor) => new(NodeBytes * factor, LinkBytes * factor, Messages * factor);
}

/// <summary>Traffic that one rank sends in a step, by purpose.</summary>
/// <param name="TensorSums">Sums over tensor-parallel ranks, and gathers of rows among them.</param>
/// <param name="Pipeline">Activations to the next stage and their gradients to the previous one.</param>
/// <param name="Gradients">Gradient reduction over the replicas.</param>
/// <param name="Weights">ZeRO: compute weights to the ranks that do not update them.</param>
/// <param name="Standby">Its reduced gradient to the rank that keeps its copy.</param>
/// <param name="BusBytes">
/// Bytes between GPU and host memory: gradients and weights once per step; per slot the streams between stages and, without NCCL, tensor-parallel sums.
/// </param>
public sealed record RankTraffic(LinkUse TensorSums, LinkUse Pipeline, LinkUse Gradients, LinkUse Weights, LinkUse Standby, double BusBytes)
{
    public IReadOnlyList<(string Kind, LinkUse Use)> Kinds =>
        [("tensor-parallel sums", TensorSums), ("pipeline activations", Pipeline), ("gradient reduction", Gradients), ("ZeRO weights", Weights), ("standby copies", Standby)];
}

/// <summary>
/// Bytes that a rank sends. A sum of n bytes over g ranks takes two rounds, with each rank adding up one part by the tree: 2 (g - 1) / g n, for any transport.
/// Each block needs, per slot, 2 sums of [N, D] forward, 2 backward and, with recomputation, 1 more; the first stage one for the embedding, the last stage one
/// for the gradient of the rows and three numbers per row. A gather of n bytes of rows takes one round: (g - 1) / g n. There is one for each stream from
/// another stage, since a rank receives only n / g, and with split activations one per block in the backward pass, or two without recomputation. The gradient
/// of 4L bytes takes (d - 1) / d to add up the parts and (1/zero - 1/d) to send each rank its range.
/// </summary>
internal static class TrafficModel
{
    public static RankTraffic Of(PlanRequest request, StageCost cost, ParallelLayout layout, int stage, int slots, bool recompute, bool split, bool standby)
    {
        var stream = (double)request.SlotTokens * request.Config.HiddenSize * request.ElementBytes;
        var rank = new RankCoordinates(0, stage, 0);
        int blockSums = cost.Layers.Count * (recompute ? 5 : 4);
        var sums = blockSums + (cost.IsFirst ? 1 : 0) + (cost.IsLast ? 1 : 0);
        var rowFigures = cost.IsLast ? 3.0 * sizeof(float) * request.SlotTokens : 0;
        var neighbours = (stage > 0 ? 1 : 0) + (stage + 1 < layout.Pipeline ? 1 : 0);
        var gathers = neighbours + (split ? cost.Layers.Count * (recompute ? 1 : 2) : 0);
        var tensor = Spread(request, layout, rank, layout.Tensor, other => rank with { Tensor = other },
            (layout.Tensor - 1.0) / layout.Tensor * ((2 * sums + gathers) * stream + 2 * rowFigures), 2 * (sums + (cost.IsLast ? 2 : 0)) + gathers);

        var pipeline = LinkUse.None;
        foreach (var neighbour in new[] { stage - 1, stage + 1 })
            if (neighbour >= 0 && neighbour < layout.Pipeline)
                pipeline = Add(pipeline, To(request, layout, rank, rank with { Pipeline = neighbour }, stream / layout.Tensor, 1));

        double gradient = sizeof(float) * (double)cost.Elements, data = layout.Data;
        var reduce = Spread(request, layout, rank, layout.Data, other => rank with { Data = other },
            gradient * ((data - 1) / data + (1.0 / layout.Zero - 1 / data)), 2);
        var weights = Spread(request, layout, rank, layout.Zero, other => rank with { Data = other },
            (layout.Zero - 1.0) / layout.Zero * cost.Elements * request.ElementBytes, 1);
        // The keeper is on another node where there is one.
        var copied = gradient / layout.Zero;
        var copies = !standby ? LinkUse.None : layout.Size > request.RanksPerNode ? new LinkUse(0, copied, 1) : new LinkUse(copied, 0, 1);
        return new RankTraffic(tensor.Times(slots), pipeline.Times(slots), reduce, weights, copies, Bus());

        double Bus()
        {
            if (!request.Rates.Cuda) return 0;
            var own = SlotAssignment.Range(request.Slots, layout.Data, 0) is { } range ? GradientBuffers.Of(request.Slots, range, totalApart: true, streams: false).Left : 0;
            // Per neighbour this rank's share of one stream is sent and of one received. A gather over the host copies a share down and the whole stream up.
            var share = stream / layout.Tensor;
            var sumsOfSlot = layout.Tensor > 1 && !request.Nccl ? 2 * (sums * stream + rowFigures) + gathers * (share + stream) : 0;
            return gradient * own + (double)cost.Elements * request.ElementBytes + slots * (2 * neighbours * share + sumsOfSlot);
        }
    }

    // Bytes sent in equal parts to all other ranks of a group.
    private static LinkUse Spread(PlanRequest request, ParallelLayout layout, RankCoordinates rank, int size, Func<int, RankCoordinates> member, double bytes, double messages)
    {
        if (size == 1) return LinkUse.None;
        var node = layout.RankAt(rank) / request.RanksPerNode;
        var near = 0;
        for (var other = 1; other < size; other++)
            if (layout.RankAt(member(other)) / request.RanksPerNode == node) near++;
        return new LinkUse(bytes * near / (size - 1), bytes * (size - 1 - near) / (size - 1), messages);
    }

    private static LinkUse To(PlanRequest request, ParallelLayout layout, RankCoordinates from, RankCoordinates to, double bytes, double messages) =>
        layout.RankAt(from) / request.RanksPerNode == layout.RankAt(to) / request.RanksPerNode ? new LinkUse(bytes, 0, messages) : new LinkUse(0, bytes, messages);

    private static LinkUse Add(LinkUse one, LinkUse other) => new(one.NodeBytes + other.NodeBytes, one.LinkBytes + other.LinkBytes, one.Messages + other.Messages);
}

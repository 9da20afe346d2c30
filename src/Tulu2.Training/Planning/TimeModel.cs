using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>Seconds of a step on the slowest rank; the parts add up to <see cref="Step"/>.</summary>
/// <param name="Compute">Matrix products of the most expensive stage.</param>
/// <param name="TensorSums">Tensor-parallel sums of that stage.</param>
/// <param name="Pipeline">Sends of that stage to its neighbours.</param>
/// <param name="Bubble">Idle time while the pipeline fills and drains: the time of one slot in the other stages.</param>
/// <param name="SlotSums">Sums of slot gradients.</param>
/// <param name="Gradients">Gradient reduction over the replicas.</param>
/// <param name="Optimizer">Norm, hash, clipping, AdamW.</param>
/// <param name="Weights">ZeRO's all-gather of compute weights.</param>
/// <param name="Standby">Sending the reduced gradient to the rank that keeps the copy; the copy's update beside the next step.</param>
/// <param name="Bus">Copies between a GPU and host memory.</param>
public sealed record StepSeconds(
    double Compute, double TensorSums, double Pipeline, double Bubble, double SlotSums, double Gradients, double Optimizer, double Weights,
    double Standby, double Bus)
{
    public double Step => Compute + TensorSums + Pipeline + Bubble + SlotSums + Gradients + Optimizer + Weights + Standby + Bus;

    public IReadOnlyList<(string Kind, double Seconds)> Kinds =>
    [
        ("compute", Compute), ("tensor-parallel sums", TensorSums), ("pipeline sends", Pipeline), ("bubble", Bubble), ("slot sums", SlotSums),
        ("gradient reduction", Gradients), ("optimizer", Optimizer), ("ZeRO weights", Weights), ("standby copies", Standby), ("copies to and from the GPU", Bus),
    ];
}

/// <summary>
/// Seconds of a step. If a slot takes t_s on stage s and the busiest replica has m slots, 1F1B takes (m - 1) max t_s + sum t_s; nothing is assumed to overlap
/// with it. Element-wise operations are bound by memory bandwidth, in bytes per parameter: 12 for each sum of two slots, 36 for clipping and AdamW, 14 for
/// norm, hash and the bf16 copy.
/// </summary>
internal static class TimeModel
{
    private const double BytesOfSum = 12, BytesOfUpdate = 36, BytesOfDigest = 14;

    public static StepSeconds Of(PlanRequest request, IReadOnlyList<StageCost> stages, IReadOnlyList<RankTraffic> traffic, ParallelLayout layout, bool standby)
    {
        var rates = request.Rates;
        var slots = SlotAssignment.Range(request.Slots, layout.Data, 0)?.Count ?? 0;
        var perSlot = stages.Select((stage, index) => (
            Compute: (stage.ForwardFlops + stage.BackwardFlops) / rates.Flops,
            Sums: traffic[index].TensorSums.Seconds(rates, request.Nccl) / Math.Max(1, slots),
            Sends: traffic[index].Pipeline.Seconds(rates) / Math.Max(1, slots))).ToArray();
        var totals = perSlot.Select(slot => slot.Compute + slot.Sums + slot.Sends).ToArray();
        var slowest = Array.IndexOf(totals, totals.Max());
        var elements = stages.Max(stage => stage.Elements);
        return new StepSeconds(
            slots * perSlot[slowest].Compute, slots * perSlot[slowest].Sums, slots * perSlot[slowest].Sends, totals.Sum() - totals[slowest],
            Math.Max(0, slots - 1) * BytesOfSum * elements / rates.MemoryBandwidth,
            traffic.Max(use => use.Gradients.Seconds(rates)),
            (BytesOfUpdate / rates.HostThreads + BytesOfDigest) * elements / layout.Zero / rates.HostBandwidth,
            traffic.Max(use => use.Weights.Seconds(rates)),
            // Without a GPU the second thread takes the update's time from the rank's core.
            traffic.Max(use => use.Standby.Seconds(rates)) + (standby && !rates.Cuda ? BytesOfUpdate * elements / layout.Zero / rates.HostBandwidth : 0),
            traffic.Max(use => use.BusBytes / rates.BusBandwidth));
    }
}

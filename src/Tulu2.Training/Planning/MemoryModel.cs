using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>
/// Memory of a rank, by what the code allocates: <see cref="Workers.ReplicaState"/>, <see cref="Slots.HeldGradients"/>, the model's arenas
/// (<see cref="Models.Planning.PassMemory"/>), <see cref="Workers.SnapshotWriter"/>. With L elements in the rank's part:
/// master 4L / zero, moments 8L / zero, bf16 weights 2L (in fp32 the master itself, or with ZeRO a copy of 4L), gradients 4L x buffers (and with ZeRO
/// 4L / zero for the total), snapshot 12L / data, activations kept x min(stages - stage, slots).
/// </summary>
internal static class MemoryModel
{
    // ids, positions, scored rows, targets and segments of a token, fed as int.
    private const int BatchBytesPerToken = 5 * sizeof(int);

    // .NET, libtorch's libraries as far as they are touched, actors. Resident memory of a worker that has done nothing, rounded up.
    private const long ProcessorRuntime = 256L << 20;

    // CUDA context, cuBLAS workspace and NCCL's buffers of two communicators: an estimate.
    private const long CudaRuntime = 1536L << 20;

    public static RankMemory Of(PlanRequest request, StageCost cost, ParallelLayout layout, int stage)
    {
        var (elements, slots) = (cost.Elements, request.Slots);
        var shard = (elements + layout.Zero - 1) / layout.Zero;
        var own = SlotAssignment.Range(slots, layout.Data, 0) ?? new SlotRange(0, 1);
        var flight = Math.Min(layout.Pipeline - stage, own.Count);
        var separate = layout.Zero > 1;
        var pass = cost.Pass;
        long stream = layout.Pipeline > 1 ? 2 * request.LongestSegments.Sum(length => (long)length) * request.Config.HiddenSize * request.ElementBytes : 0;
        return new RankMemory(
            Weights: request.ElementBytes == sizeof(float) && !separate ? 0 : elements * request.ElementBytes,
            Gradients: sizeof(float) * (elements * Buffers(slots, layout) + (separate ? shard : 0)),
            Master: sizeof(float) * shard,
            Moments: 2 * sizeof(float) * shard,
            Activations: pass.Kept * flight,
            Workspace: pass.Scratch - pass.Logits + stream + (request.Rates.Cuda ? pass.LargestProduct : 0),
            Logits: pass.Logits,
            Reserve: pass.KeptReserve * flight + pass.ScratchReserve,
            Runtime: request.Rates.Cuda ? CudaRuntime : ProcessorRuntime,
            Snapshot: 3 * sizeof(float) * elements / layout.Data,
            Batches: own.Count * request.LongestSegments.Sum(length => (long)length) * BatchBytesPerToken);
    }

    private static int Buffers(int slots, ParallelLayout layout) => Enumerable.Range(0, layout.Data)
        .Max(data => SlotAssignment.Range(slots, layout.Data, data) is { } own ? GradientBuffers.Most(slots, own, totalApart: layout.Zero > 1) : 1);
}

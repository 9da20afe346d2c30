using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>
/// Memory of a rank, counted from what the code allocates: <c>ReplicaState</c>, <c>HeldGradients</c>, the model's arenas
/// (<see cref="Models.Memory.PassMemory"/>), <c>SnapshotWriter</c>. Bytes, with L elements in the rank's part:
/// master weights 4L / zero, moments 8L / zero, bf16 weights 2L (in fp32 the weights are 4L and contain the master), gradients 4L x buffers (and with ZeRO
/// 4L / zero for the total), snapshot 12L / data, a standby copy 16L / zero (of the largest stage's L, since any rank may keep it), activations of a slot x
/// min(stages - stage, slots). A GPU adds weights of 2L or 4L on the device, and on the host 4L for each sum that is passed to the data plane, and 4L / zero
/// for the total. Where adapters are trained, L are theirs, and the frozen model has its compute weights alone, or 4-bit codes with their scales for the
/// matrices and compute weights for the rest.
/// </summary>
internal static class MemoryModel
{
    // Each token is fed as five ints: id, position, scored row, target and segment.
    private const int BatchBytesPerToken = 5 * sizeof(int);

    // .NET, the touched pages of libtorch, actors: resident memory of an idle worker, rounded up.
    private const long ProcessorRuntime = 256L << 20;

    // What the product libraries keep for packing matrices, and the garbage collector's heap: 19 to 26 MiB were measured, whatever the model.
    private const long ProcessorBuffers = 24L << 20;

    // Estimates. Device: CUDA context, cuBLAS workspace, NCCL buffers of two communicators. Host: CUDA's libraries.
    private const long CudaRuntime = 1536L << 20, CudaHostRuntime = 3072L << 20;

    /// <param name="largest">Elements of the largest stage's part.</param>
    /// <param name="standby">Ranks keep standby copies.</param>
    public static RankMemory Of(PlanRequest request, StageCost cost, ParallelLayout layout, int stage, long largest, bool standby)
    {
        var (elements, slots, cuda) = (cost.Elements, request.Slots, request.Rates.Cuda);
        var shard = (elements + layout.Zero - 1) / layout.Zero;
        var own = SlotAssignment.Range(slots, layout.Data, 0) ?? new SlotRange(0, 1);
        var flight = Math.Min(layout.Pipeline - stage, own.Count);
        var apart = layout.Zero > 1 || cuda;
        var streams = request.Recipe.Parallel.Overlap && layout.Data > 1 && !cuda;
        var buffers = Enumerable.Range(0, layout.Data).Select(data => Buffers(slots, layout, data, apart, streams)).ToArray();
        var pass = cost.Pass;
        var fp32 = request.ElementBytes == sizeof(float);
        long tokens = request.LongestSegments.Sum(length => (long)length);
        // Each tensor-parallel rank sends and receives only its share of the rows between stages.
        long stream = layout.Pipeline > 1 ? 2 * RowShares.Of(tokens, 0, layout.Tensor).Count * request.Config.HiddenSize * request.ElementBytes : 0;
        return new RankMemory(
            cuda,
            Frozen: cost.Frozen,
            Weights: fp32 && !cuda ? 0 : elements * request.ElementBytes,
            HostWeights: fp32 || !cuda ? 0 : elements * request.ElementBytes,
            Gradients: sizeof(float) * (elements * buffers.Max(count => count.Most) + (apart && !cuda ? shard : 0)),
            HostGradients: cuda ? sizeof(float) * (elements * buffers.Max(count => count.Left) + shard) : 0,
            Master: sizeof(float) * (fp32 ? elements : shard),
            Moments: 2 * sizeof(float) * shard,
            Activations: pass.Kept * flight,
            Workspace: pass.Scratch - pass.Logits + stream + (cuda ? pass.LargestProduct : 0),
            Logits: pass.Logits,
            Reserve: pass.KeptReserve * flight + pass.ScratchReserve,
            Runtime: cuda ? CudaRuntime : ProcessorRuntime - ProcessorBuffers,
            Buffers: cuda ? 0 : ProcessorBuffers,
            HostRuntime: cuda ? CudaHostRuntime : 0,
            Snapshot: 3 * sizeof(float) * elements / layout.Data,
            Standby: standby ? 4 * sizeof(float) * ((largest + layout.Zero - 1) / layout.Zero) : 0,
            Batches: own.Count * tokens * BatchBytesPerToken + (cuda ? stream : 0));
    }

    private static (int Most, int Left) Buffers(int slots, ParallelLayout layout, int data, bool totalApart, bool streams) =>
        SlotAssignment.Range(slots, layout.Data, data) is { } own ? GradientBuffers.Of(slots, own, totalApart, streams) : (1, 0);
}

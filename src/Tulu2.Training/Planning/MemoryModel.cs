using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Planning;

/// <summary>
/// Memory of a rank, by what the code allocates: <c>ReplicaState</c>, <c>HeldGradients</c>, the model's arenas
/// (<see cref="Models.Memory.PassMemory"/>), <c>SnapshotWriter</c>. With L elements in the rank's part:
/// master 4L / zero, moments 8L / zero, bf16 weights 2L (in fp32 the master lies in the weights, which are 4L), gradients 4L x buffers (and with ZeRO
/// 4L / zero for the total), snapshot 12L / data, activations kept x min(stages - stage, slots). With a GPU also the weights of 2L or 4L there, and on the host
/// 4L for each sum that the data plane is given, and 4L / zero for the total.
/// </summary>
internal static class MemoryModel
{
    // ids, positions, scored rows, targets and segments of a token, fed as int.
    private const int BatchBytesPerToken = 5 * sizeof(int);

    // .NET, libtorch's libraries as far as they are touched, actors. Resident memory of a worker that has done nothing, rounded up.
    private const long ProcessorRuntime = 256L << 20;

    // CUDA context, cuBLAS workspace and NCCL's buffers of two communicators; CUDA's libraries in host memory: estimates.
    private const long CudaRuntime = 1536L << 20, CudaHostRuntime = 3072L << 20;

    public static RankMemory Of(PlanRequest request, StageCost cost, ParallelLayout layout, int stage)
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
        // Tensor-parallel ranks share out what goes to another stage.
        long stream = layout.Pipeline > 1 ? 2 * RowShares.Of(tokens, 0, layout.Tensor).Count * request.Config.HiddenSize * request.ElementBytes : 0;
        return new RankMemory(
            cuda,
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
            Runtime: cuda ? CudaRuntime : ProcessorRuntime,
            HostRuntime: cuda ? CudaHostRuntime : 0,
            Snapshot: 3 * sizeof(float) * elements / layout.Data,
            Batches: own.Count * tokens * BatchBytesPerToken + (cuda ? stream : 0));
    }

    private static (int Most, int Left) Buffers(int slots, ParallelLayout layout, int data, bool totalApart, bool streams) =>
        SlotAssignment.Range(slots, layout.Data, data) is { } own ? GradientBuffers.Of(slots, own, totalApart, streams) : (1, 0);
}

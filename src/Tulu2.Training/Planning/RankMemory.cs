namespace Tulu2.Training.Planning;

/// <summary>Bytes that one rank holds at most for one purpose.</summary>
/// <param name="OnHost">Beside a GPU; a processor's rank has everything in one memory.</param>
public sealed record MemoryUse(string Kind, long Bytes, bool OnHost);

/// <summary>Bytes that one rank holds at most, by kind. With a GPU the optimizer's state, and what goes over the wire and to the disk, lie in host memory.</summary>
/// <param name="Cuda">The rank computes on a GPU.</param>
/// <param name="Weights">What the model computes with; 0 where that is the fp32 master itself.</param>
/// <param name="HostWeights">Their copy in host memory, which is what ranks exchange; 0 where that is the fp32 master itself, or without a GPU.</param>
/// <param name="Gradients">fp32 buffers of the slots' sums, and of the total where it lies among them.</param>
/// <param name="HostGradients">With a GPU: the sums' copies for the data plane, and the total.</param>
/// <param name="Master">fp32 parameters: the rank's ZeRO shard; in fp32 with the weights of the other shards.</param>
/// <param name="Moments">Both of AdamW's.</param>
/// <param name="Activations">Kept for the backward pass, over all slots in flight.</param>
/// <param name="Workspace">What one pass works in, without the logits.</param>
/// <param name="Logits">The largest chunk of them.</param>
/// <param name="Reserve">Allocated and not used, because arenas grow in steps. A processor's untouched pages cost nothing.</param>
/// <param name="Runtime">Program, libraries, device context: an assumption.</param>
/// <param name="HostRuntime">The same in host memory beside a GPU.</param>
/// <param name="Snapshot">The rank's copy of its share of the state while a checkpoint is written.</param>
/// <param name="Batches">Tokens fed ahead, tables of angles, messages under way.</param>
public sealed record RankMemory(
    bool Cuda, long Weights, long HostWeights, long Gradients, long HostGradients, long Master, long Moments, long Activations, long Workspace, long Logits, long Reserve,
    long Runtime, long HostRuntime, long Snapshot, long Batches)
{
    /// <summary>What lies on the GPU, or for a processor all of it.</summary>
    public long Device => Kinds.Where(use => !use.OnHost).Sum(use => use.Bytes);

    /// <summary>What lies in the memory beside the GPU; 0 without one.</summary>
    public long Host => Kinds.Where(use => use.OnHost).Sum(use => use.Bytes);

    /// <summary>What a processor's resident memory grows to over that of a program that holds no model: pages that were touched.</summary>
    public long Resident => Weights + Gradients + Master + Moments + Activations + Workspace + Logits + Snapshot + Batches;

    /// <summary>In the order of a table.</summary>
    public IReadOnlyList<MemoryUse> Kinds =>
    [
        new("compute weights", Weights, false), new("gradients", Gradients, false), new("activations", Activations, false), new("workspace", Workspace, false),
        new("logits chunk", Logits, false), new("arena reserve", Reserve, false), new("runtime", Runtime, false),
        new("fp32 master", Master, Cuda), new("moments", Moments, Cuda), new("host weights", HostWeights, Cuda), new("host gradients", HostGradients, Cuda),
        new("snapshot", Snapshot, Cuda), new("batches", Batches, Cuda), new("host runtime", HostRuntime, Cuda),
    ];

    public MemoryUse Largest(bool onHost) => Kinds.Where(use => use.OnHost == onHost).MaxBy(use => use.Bytes)!;
}

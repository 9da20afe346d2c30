namespace Tulu2.Training.Planning;

/// <summary>Peak bytes of one rank for one purpose.</summary>
/// <param name="OnHost">With a GPU: in host memory. Always false without, where there is only one memory.</param>
public sealed record MemoryUse(string Kind, long Bytes, bool OnHost);

/// <summary>Peak bytes of one rank, by kind. With a GPU, optimizer state, data plane and snapshots use host memory.</summary>
/// <param name="Cuda">The rank computes on a GPU.</param>
/// <param name="Frozen">The model beside adapters.</param>
/// <param name="Weights">Compute weights of what is trained; 0 where they are counted with the fp32 master.</param>
/// <param name="HostWeights">With a GPU: the copy of the compute weights that ranks exchange; 0 where it is counted with the fp32 master.</param>
/// <param name="Gradients">fp32 buffers for slot gradients and their sums; without a GPU also the total.</param>
/// <param name="HostGradients">With a GPU: copies of the sums for the data plane, and the total.</param>
/// <param name="Master">fp32 parameters: the rank's ZeRO shard, or with fp32 compute the whole part.</param>
/// <param name="Moments">Both moments of AdamW.</param>
/// <param name="Activations">Activations kept for the backward pass, over all slots in flight.</param>
/// <param name="Workspace">Scratch memory of one pass without the logits, and streams between pipeline stages.</param>
/// <param name="Logits">The largest chunk of logits.</param>
/// <param name="Reserve">Allocated but unused memory, since arenas grow in steps. On a CPU its untouched pages are not resident.</param>
/// <param name="Runtime">Program, libraries, device context: an assumption.</param>
/// <param name="Buffers">Of libraries and the garbage collector, beyond those of an idle program: an assumption, for a CPU.</param>
/// <param name="HostRuntime">With a GPU: the same in host memory.</param>
/// <param name="Snapshot">The copy of the rank's share of the state while a checkpoint is written.</param>
/// <param name="Standby">The copy of another rank's master weights and moments, and the gradient for it; 0 where ranks have twins, or keep no copies.</param>
/// <param name="Batches">Tokens fed ahead; with a GPU also streams between pipeline stages.</param>
public sealed record RankMemory(
    bool Cuda, long Frozen, long Weights, long HostWeights, long Gradients, long HostGradients, long Master, long Moments, long Activations, long Workspace, long Logits, long Reserve,
    long Runtime, long Buffers, long HostRuntime, long Snapshot, long Standby, long Batches)
{
    private const string ReserveKind = "arena reserve", RuntimeKind = "runtime", BuffersKind = "library buffers", HostRuntimeKind = "host runtime";

    /// <summary>Bytes on the GPU; without one, all bytes.</summary>
    public long Device => Kinds.Where(use => !use.OnHost).Sum(use => use.Bytes);

    /// <summary>Bytes in host memory beside a GPU; 0 without one.</summary>
    public long Host => Kinds.Where(use => use.OnHost).Sum(use => use.Bytes);

    /// <summary>Growth of resident memory on a CPU over a program without a model: the pages that are touched.</summary>
    public long Resident => Frozen + Weights + Gradients + Master + Moments + Activations + Workspace + Logits + Snapshot + Standby + Batches + Buffers;

    /// <summary>
    /// What is certain to be taken of the memory of the rank's machine: all of <see cref="Resident"/> but for the assumed buffers of libraries, or with a GPU what is in
    /// host memory. Without the program itself.
    /// </summary>
    public IReadOnlyList<MemoryUse> OfMachine =>
        [.. Kinds.Where(use => use.OnHost == Cuda && use.Kind is not (ReserveKind or RuntimeKind or BuffersKind or HostRuntimeKind))];

    /// <summary>All kinds, in display order.</summary>
    public IReadOnlyList<MemoryUse> Kinds =>
    [
        new("frozen model", Frozen, false), new("compute weights", Weights, false), new("gradients", Gradients, false), new("activations", Activations, false), new("workspace", Workspace, false),
        new("logits chunk", Logits, false), new(ReserveKind, Reserve, false), new(RuntimeKind, Runtime, false), new(BuffersKind, Buffers, false),
        new("fp32 master", Master, Cuda), new("moments", Moments, Cuda), new("host weights", HostWeights, Cuda), new("host gradients", HostGradients, Cuda),
        new("snapshot", Snapshot, Cuda), new("standby copy", Standby, Cuda), new("batches", Batches, Cuda), new(HostRuntimeKind, HostRuntime, Cuda),
    ];

    public MemoryUse Largest(bool onHost) => Kinds.Where(use => use.OnHost == onHost).MaxBy(use => use.Bytes)!;
}

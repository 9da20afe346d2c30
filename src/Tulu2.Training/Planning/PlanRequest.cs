using Tulu2.Models.Families;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>Memory and speed of a rank's device and links. Rates are those reached in practice, not those of a data sheet.</summary>
/// <param name="Cuda">The rank computes on a GPU; optimizer, data plane and checkpoints work in host memory.</param>
/// <param name="MemoryBytes">Memory of one rank: that of its GPU, or its share of the machine's.</param>
/// <param name="HostBytes">With GPUs: a rank's share of the host memory. Not used without.</param>
/// <param name="Flops">Floating-point operations per second of matrix products, in the run's precision.</param>
/// <param name="MemoryBandwidth">Bytes per second that element-wise operations (gradient sums) read and write on the compute device.</param>
/// <param name="HostBandwidth">The same in host memory, for one thread (norm and hash, snapshots).</param>
/// <param name="HostThreads">Threads of the optimizer.</param>
/// <param name="BusBandwidth">Bytes per second between a GPU and host memory.</param>
/// <param name="DeviceBandwidth">Bytes per second that a GPU sends to GPUs of its node over NCCL; used by tensor-parallel sums only.</param>
/// <param name="NodeBandwidth">Bytes per second that a rank sends to ranks of its node over the data plane.</param>
/// <param name="LinkBandwidth">Bytes per second that a rank sends to ranks of other nodes.</param>
/// <param name="Latency">Seconds per message, in addition to the time for its bytes.</param>
/// <param name="DiskBandwidth">Bytes per second that all ranks together write.</param>
/// <param name="Source">Origin of the rates: assumed, given or measured.</param>
public sealed record DeviceRates(
    bool Cuda, long MemoryBytes, long HostBytes, double Flops, double MemoryBandwidth, double HostBandwidth, int HostThreads, double BusBandwidth, double DeviceBandwidth, double NodeBandwidth,
    double LinkBandwidth, double Latency, double DiskBandwidth, string Source)
{
    /// <summary>
    /// An 80 GiB data-centre GPU in a node with fast links. From NVIDIA's A100 data sheet: half of the peak rate (312 TFLOP/s in bf16, 19.5 in fp32), three
    /// quarters of the 2 TB/s memory bandwidth, two thirds of the 300 GB/s of NVLink in each direction; most of a PCIe 4 bus; 1 TiB of host memory and 64 cores
    /// for 8 ranks. Rates over host memory and network are those of one thread and one connection (docs/benchmarks.md). Assumptions, never measured on a GPU.
    /// </summary>
    public static DeviceRates AssumedGpu(Precision precision) =>
        new(true, 80L << 30, 128L << 30, precision == Precision.Bf16 ? 156e12 : 19.5e12 / 2, 1.5e12, 8e9, 8, 20e9, 200e9, 5e9, 2.5e9, 20e-6, 2e9, "assumed");

    /// <summary>One processor core per rank.</summary>
    /// <param name="flops">Operations per second of matrix products, measured or given.</param>
    public static DeviceRates Processor(long memoryBytes, double flops) => new(false, memoryBytes, 0, flops, 8e9, 8e9, 1, 8e9, 3e9, 3e9, 1e9, 50e-6, 500e6, "assumed");
}

/// <summary>The input of a plan: a model, a recipe, a device and the distribution of ranks over nodes.</summary>
/// <param name="VirtualShards">The recipe's number of virtual shards, lowered where the model's dimensions require it.</param>
/// <param name="MayChangeShards">The recipe does not set the number of virtual shards, so a layout may use more.</param>
/// <param name="RanksPerNode">Ranks r and r' share a node if r / RanksPerNode (rounded down) is equal.</param>
/// <param name="Length">Average tokens per sequence, for time; memory is computed for sequences of the recipe's maximum length.</param>
public sealed record PlanRequest(
    ModelConfig Config, Recipe Recipe, int VirtualShards, bool MayChangeShards, int RanksPerNode, int Length, DeviceRates Rates)
{
    /// <summary>Slots per step.</summary>
    public int Slots => Recipe.Batch.Global / Recipe.Batch.Slot;

    /// <summary>Sequences per slot; a preference pair is two.</summary>
    public int SequencesPerSlot => Recipe.Batch.Slot * ObjectiveCatalog.Of(Recipe.Objective).SequencesPerItem;

    /// <summary>Transport between tensor-parallel ranks; by default the recipe's.</summary>
    public RankTransport Transport { get; init; } = Recipe.Parallel.Transport;

    /// <summary>Tensor-parallel sums stay on the GPUs.</summary>
    public bool Nccl => Rates.Cuda && Transport == RankTransport.Nccl;

    public int ElementBytes => Recipe.Precision == Precision.Fp32 ? sizeof(float) : sizeof(ushort);

    /// <summary>Rows of the segments of the largest slot, where the data are known; null: they are not.</summary>
    public IReadOnlyList<int>? Segments { get; init; }

    /// <summary>Rows of the segments of the largest slot, for which memory is computed: that of the data, or the largest possible one.</summary>
    public IReadOnlyList<int> LongestSegments => Segments ?? [.. Enumerable.Repeat(Recipe.Data.MaxLength, SequencesPerSlot)];

    /// <summary>Tokens of a slot whose sequences have average length.</summary>
    public long SlotTokens => (long)Length * SequencesPerSlot;
}

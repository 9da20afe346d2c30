using Tulu2.Models.Families;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>What a rank computes on and how fast it and its links are. Rates are what is reached, not what a data sheet promises.</summary>
/// <param name="Cuda">The rank computes on a GPU; optimizer, wire and disk work in host memory.</param>
/// <param name="MemoryBytes">Of one rank: its GPU's, or its share of the machine's.</param>
/// <param name="HostBytes">A rank's share of the memory beside the GPUs; nobody asks for it without them.</param>
/// <param name="Flops">Floating-point operations of matrix products a second, in the run's precision.</param>
/// <param name="MemoryBandwidth">Bytes a second that element-wise work reads and writes where the model computes (gradient sums).</param>
/// <param name="HostBandwidth">The same in host memory, by one thread (norm and hash, snapshots); the optimizer has <paramref name="HostThreads"/> of them.</param>
/// <param name="BusBandwidth">Bytes a second between a GPU and host memory.</param>
/// <param name="DeviceBandwidth">Bytes a second that a GPU sends to GPUs of its node by NCCL, which only tensor-parallel sums go over.</param>
/// <param name="NodeBandwidth">Bytes a second that a rank sends to ranks of its node over the data plane.</param>
/// <param name="LinkBandwidth">Bytes a second that a rank sends to ranks of other nodes.</param>
/// <param name="Latency">Seconds of a message beside its bytes.</param>
/// <param name="DiskBandwidth">Bytes a second that all ranks together write.</param>
/// <param name="Source">Where the rates come from: assumed, given or measured.</param>
public sealed record DeviceRates(
    bool Cuda, long MemoryBytes, long HostBytes, double Flops, double MemoryBandwidth, double HostBandwidth, int HostThreads, double BusBandwidth, double DeviceBandwidth, double NodeBandwidth,
    double LinkBandwidth, double Latency, double DiskBandwidth, string Source)
{
    /// <summary>
    /// A data-centre GPU with 80 GiB in a node with fast links: half of the 312 TFLOP/s in bf16 (an eighth of that in fp32 with TF32) that NVIDIA's A100 data sheet
    /// names, most of its 2 TB/s, two thirds of 300 GB/s NVLink each way, most of a PCIe 4 bus, 1 TiB of host memory and 64 cores for 8 ranks. What goes over host memory and the
    /// network is what a rank's one thread and one connection reach (docs/benchmarks.md). Assumptions, never measured on a GPU.
    /// </summary>
    public static DeviceRates AssumedGpu(Precision precision) =>
        new(true, 80L << 30, 128L << 30, precision == Precision.Bf16 ? 156e12 : 19.5e12 / 2, 1.5e12, 8e9, 8, 20e9, 200e9, 5e9, 2.5e9, 20e-6, 2e9, "assumed");

    /// <summary>A processor core per rank; its product rate is measured unless it is given.</summary>
    public static DeviceRates Processor(long memoryBytes, double flops) => new(false, memoryBytes, 0, flops, 8e9, 8e9, 1, 8e9, 3e9, 3e9, 1e9, 50e-6, 500e6, "assumed");
}

/// <summary>What is to be planned: a model, a recipe, a device and how ranks are spread over nodes.</summary>
/// <param name="VirtualShards">V that the recipe names, or the largest that the model's dimensions allow up to it.</param>
/// <param name="MayChangeShards">The recipe does not name V, so that a layout may ask for more.</param>
/// <param name="RanksPerNode">Ranks r and r' share a node where r / RanksPerNode is equal.</param>
/// <param name="Length">Tokens of a sequence on average, for the time; memory is for sequences of the recipe's longest.</param>
public sealed record PlanRequest(
    ModelConfig Config, Recipe Recipe, int VirtualShards, bool MayChangeShards, int RanksPerNode, int Length, DeviceRates Rates)
{
    /// <summary>Slots of a step.</summary>
    public int Slots => Recipe.Batch.Global / Recipe.Batch.Slot;

    /// <summary>Sequences of a slot: a pair is two.</summary>
    public int SequencesPerSlot => Recipe.Batch.Slot * ObjectiveCatalog.Of(Recipe.Objective).SequencesPerItem;

    /// <summary>What goes between tensor-parallel ranks; the recipe's own where nothing else is said.</summary>
    public RankTransport Transport { get; init; } = Recipe.Parallel.Transport;

    /// <summary>Tensor-parallel sums stay on the GPUs.</summary>
    public bool Nccl => Rates.Cuda && Transport == RankTransport.Nccl;

    public int ElementBytes => Recipe.Precision == Precision.Fp32 ? sizeof(float) : sizeof(ushort);

    /// <summary>Each sequence as long as the recipe lets it be, every token scored: what must fit.</summary>
    public IReadOnlyList<int> LongestSegments => [.. Enumerable.Repeat(Recipe.Data.MaxLength, SequencesPerSlot)];

    /// <summary>Tokens of a slot of average sequences.</summary>
    public long SlotTokens => (long)Length * SequencesPerSlot;
}

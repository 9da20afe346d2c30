using Tulu2.Models.Llama;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>What a rank computes on and how fast it and its links are. Rates are what is reached, not what a data sheet promises.</summary>
/// <param name="Cuda">The rank's tensors live on a GPU: what is copied for the disk and the wire is host memory, which has no limit here.</param>
/// <param name="MemoryBytes">Of one rank.</param>
/// <param name="Flops">Floating-point operations of matrix products a second, in the run's precision.</param>
/// <param name="MemoryBandwidth">Bytes a second that element-wise work (gradient sums, optimizer) reads and writes.</param>
/// <param name="NodeBandwidth">Bytes a second that a rank sends to ranks of its node.</param>
/// <param name="LinkBandwidth">Bytes a second that a rank sends to ranks of other nodes.</param>
/// <param name="Latency">Seconds of a message beside its bytes.</param>
/// <param name="DiskBandwidth">Bytes a second that all ranks together write.</param>
/// <param name="Source">Where the rates come from: assumed, given or measured.</param>
public sealed record DeviceRates(
    bool Cuda, long MemoryBytes, double Flops, double MemoryBandwidth, double NodeBandwidth, double LinkBandwidth, double Latency, double DiskBandwidth,
    string Source)
{
    /// <summary>
    /// A data-centre GPU with 80 GiB in a node with fast links: half of the 312 TFLOP/s in bf16 (an eighth of that in fp32 with TF32) that NVIDIA's A100 data sheet
    /// names, most of its 2 TB/s, two thirds of 300 GB/s NVLink each way, 200 Gbit/s between nodes. Assumptions, never measured here.
    /// </summary>
    public static DeviceRates AssumedGpu(Precision precision) =>
        new(true, 80L << 30, precision == Precision.Bf16 ? 156e12 : 19.5e12 / 2, 1.5e12, 200e9, 20e9, 20e-6, 2e9, "assumed");

    /// <summary>A processor core per rank; its product rate is measured unless it is given.</summary>
    public static DeviceRates Processor(long memoryBytes, double flops) => new(false, memoryBytes, flops, 8e9, 3e9, 1e9, 50e-6, 500e6, "assumed");
}

/// <summary>What is to be planned: a model, a recipe, a device and how ranks are spread over nodes.</summary>
/// <param name="VirtualShards">V that the recipe names, or the largest that the model's dimensions allow up to it.</param>
/// <param name="MayChangeShards">The recipe does not name V, so that a layout may ask for more.</param>
/// <param name="RanksPerNode">Ranks r and r' share a node where r / RanksPerNode is equal.</param>
/// <param name="Length">Tokens of a sequence on average, for the time; memory is for sequences of the recipe's longest.</param>
public sealed record PlanRequest(
    LlamaConfig Config, Recipe Recipe, int VirtualShards, bool MayChangeShards, int RanksPerNode, int Length, DeviceRates Rates)
{
    /// <summary>Slots of a step.</summary>
    public int Slots => Recipe.Batch.Global / Recipe.Batch.Slot;

    /// <summary>Sequences of a slot: a pair is two.</summary>
    public int SequencesPerSlot => Recipe.Batch.Slot * (Recipe.Objective == Objective.Dpo ? 2 : 1);

    public int ElementBytes => Recipe.Precision == Precision.Fp32 ? sizeof(float) : sizeof(ushort);

    /// <summary>Each sequence as long as the recipe lets it be, every token scored: what must fit.</summary>
    public IReadOnlyList<int> LongestSegments => [.. Enumerable.Repeat(Recipe.Data.MaxLength, SequencesPerSlot)];

    /// <summary>Tokens of a slot of average sequences.</summary>
    public long SlotTokens => (long)Length * SequencesPerSlot;
}

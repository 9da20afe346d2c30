namespace Tulu2.Training.Planning;

/// <summary>Bytes that one rank holds at most, by kind.</summary>
/// <param name="Weights">What the model computes with; 0 where that is the fp32 master itself.</param>
/// <param name="Gradients">fp32 buffers of the slots' sums and of the total.</param>
/// <param name="Master">fp32 parameters: the rank's ZeRO shard.</param>
/// <param name="Moments">Both of AdamW's.</param>
/// <param name="Activations">Kept for the backward pass, over all slots in flight.</param>
/// <param name="Workspace">What one pass works in, without the logits.</param>
/// <param name="Logits">The largest chunk of them.</param>
/// <param name="Reserve">Allocated and not used, because arenas grow in steps. A processor's untouched pages cost nothing.</param>
/// <param name="Runtime">Program, libraries, device context: an assumption.</param>
/// <param name="Snapshot">The rank's copy of its share of the state while a checkpoint is written: host memory.</param>
/// <param name="Batches">Tokens fed ahead, tables of angles, messages under way: host memory.</param>
public sealed record RankMemory(
    long Weights, long Gradients, long Master, long Moments, long Activations, long Workspace, long Logits, long Reserve, long Runtime, long Snapshot,
    long Batches)
{
    /// <summary>What lies on the device, or for a processor all of it.</summary>
    public long Device(bool cuda) =>
        Weights + Gradients + Master + Moments + Activations + Workspace + Logits + Reserve + Runtime + (cuda ? 0 : Snapshot + Batches);

    /// <summary>What a processor's resident memory grows to over that of a program that holds no model: pages that were touched.</summary>
    public long Resident => Weights + Gradients + Master + Moments + Activations + Workspace + Logits + Snapshot + Batches;

    /// <summary>Kinds by name, in the order of a table.</summary>
    public IReadOnlyList<(string Kind, long Bytes)> Kinds =>
    [
        ("compute weights", Weights), ("gradients", Gradients), ("fp32 master", Master), ("moments", Moments), ("activations", Activations),
        ("workspace", Workspace), ("logits chunk", Logits), ("arena reserve", Reserve), ("runtime", Runtime), ("snapshot (host)", Snapshot), ("batches (host)", Batches),
    ];

    public string LargestKind => Kinds.MaxBy(kind => kind.Bytes).Kind;
}

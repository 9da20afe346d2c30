using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>A layout with its predicted memory, traffic and time.</summary>
/// <param name="Proof">The divisibility conditions.</param>
/// <param name="Stages">Memory of a rank of each pipeline stage; empty where a condition fails.</param>
/// <param name="Traffic">Traffic of the rank of replica 0 that sends most; null where a condition fails.</param>
/// <param name="Seconds">Null where a condition fails.</param>
/// <param name="TokensPerSecond">For sequences of average length.</param>
/// <param name="DeviceBytes">Maximum over the stages.</param>
/// <param name="HostBytes">Maximum over the stages; 0 without a GPU.</param>
/// <param name="Reason">Why the layout cannot be used; null where it can.</param>
public sealed record PlannedLayout(
    int VirtualShards, int Data, int Tensor, int Pipeline, int Zero, bool Recompute, bool SplitActivations, IReadOnlyList<ProofLine> Proof, IReadOnlyList<RankMemory> Stages,
    ComputeDevice Device, RankTransport Transport, RankTraffic? Traffic, StepSeconds? Seconds, double TokensPerSecond, long DeviceBytes, long HostBytes, string? Reason)
{
    public bool Fits => Reason is null;

    /// <summary>It was planned without standby copies, since it does not fit with them.</summary>
    public bool LeavesOutCopies { get; init; }

    public int Ranks => Data * Tensor * Pipeline;

    /// <summary>Memory of a rank of the stage that needs most on the device; null where a condition fails.</summary>
    public RankMemory? Memory => Stages.MaxBy(stage => stage.Device);

    /// <summary>The layout as recipe keys with their values.</summary>
    public IReadOnlyList<(string Key, string Value)> Keys =>
    [
        .. KeysOf(new ParallelRecipe
        {
            Data = Data,
            Tensor = Tensor,
            Pipeline = Pipeline,
            Zero = Zero,
            VirtualShards = VirtualShards,
            SplitActivations = SplitActivations,
            Device = Device,
            Transport = Transport,
        }, Recompute),
        .. LeavesOutCopies ? [("parallel.standby", "off")] : Array.Empty<(string, string)>(),
    ];

    /// <summary>The recipe keys that a plan decides, with their values in <paramref name="parallel"/>.</summary>
    public static IReadOnlyList<(string Key, string Value)> KeysOf(ParallelRecipe parallel, bool recompute) =>
    [
        ("parallel.data", $"{parallel.Data}"), ("parallel.tensor", $"{parallel.Tensor}"), ("parallel.pipeline", $"{parallel.Pipeline}"), ("parallel.zero", $"{parallel.Zero}"),
        ("parallel.virtual_shards", $"{parallel.VirtualShards}"), ("model.recompute", recompute ? "true" : "false"),
        ("parallel.split_activations", parallel.SplitActivations ? "true" : "false"),
        ("parallel.device", $"{parallel.Device}".ToLowerInvariant()), ("parallel.transport", $"{parallel.Transport}".ToLowerInvariant()),
    ];

    public override string ToString() => $"data {Data} x tensor {Tensor} x pipeline {Pipeline}, zero {Zero}{(Recompute ? ", recompute" : "")}{(SplitActivations && Tensor > 1 ? ", split" : "")}";
}

using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>A layout with all that is known of it before anything runs.</summary>
/// <param name="Proof">What divides and what does not.</param>
/// <param name="Stages">Memory of a rank of each stage; empty where the layout cannot be cut.</param>
/// <param name="Traffic">Of the rank of replica 0 that sends most.</param>
/// <param name="Seconds">Null where the layout cannot be cut.</param>
/// <param name="TokensPerSecond">Of average sequences.</param>
/// <param name="DeviceBytes">Of the stage that needs most; so also <paramref name="HostBytes"/>.</param>
/// <param name="Reason">Why it cannot be used; null where it can.</param>
public sealed record PlannedLayout(
    int VirtualShards, int Data, int Tensor, int Pipeline, int Zero, bool Recompute, bool SplitActivations, IReadOnlyList<ProofLine> Proof, IReadOnlyList<RankMemory> Stages,
    ComputeDevice Device, RankTransport Transport, RankTraffic? Traffic, StepSeconds? Seconds, double TokensPerSecond, long DeviceBytes, long HostBytes, string? Reason)
{
    public bool Fits => Reason is null;
    public int Ranks => Data * Tensor * Pipeline;

    /// <summary>Of the stage that needs most.</summary>
    public RankMemory? Memory => Stages.MaxBy(stage => stage.Device);

    /// <summary>As a recipe or <c>key=value</c> arguments have it.</summary>
    public IReadOnlyList<(string Key, string Value)> Keys =>
        KeysOf(new ParallelRecipe
        {
            Data = Data,
            Tensor = Tensor,
            Pipeline = Pipeline,
            Zero = Zero,
            VirtualShards = VirtualShards,
            SplitActivations = SplitActivations,
            Device = Device,
            Transport = Transport,
        }, Recompute);

    /// <summary>What a plan decides, as a recipe has it.</summary>
    public static IReadOnlyList<(string Key, string Value)> KeysOf(ParallelRecipe parallel, bool recompute) =>
    [
        ("parallel.data", $"{parallel.Data}"), ("parallel.tensor", $"{parallel.Tensor}"), ("parallel.pipeline", $"{parallel.Pipeline}"), ("parallel.zero", $"{parallel.Zero}"),
        ("parallel.virtual_shards", $"{parallel.VirtualShards}"), ("model.recompute", recompute ? "true" : "false"),
        ("parallel.split_activations", parallel.SplitActivations ? "true" : "false"),
        ("parallel.device", $"{parallel.Device}".ToLowerInvariant()), ("parallel.transport", $"{parallel.Transport}".ToLowerInvariant()),
    ];

    public override string ToString() => $"data {Data} x tensor {Tensor} x pipeline {Pipeline}, zero {Zero}{(Recompute ? ", recompute" : "")}{(SplitActivations && Tensor > 1 ? ", split" : "")}";
}

using Tulu2.Training.Planning;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>A plan as JSON: bytes, seconds, and floating-point operations per second.</summary>
internal static class PlanJson
{
    private const int Others = 20;

    public static object Of(PlanResult result)
    {
        var (request, chosen) = (result.Request, result.Chosen);
        return new
        {
            request.Config.ParameterCount,
            chosen.Ranks,
            request.RanksPerNode,
            Rates = request.Rates,
            Layout = Layout(chosen),
            Proof = chosen.Proof.Select(line => new { line.Rule, line.Detail, line.Holds }),
            Memory = chosen.Memory!.Kinds.ToDictionary(kind => Key(kind.Kind), kind => kind.Bytes),
            MemoryBytes = chosen.DeviceBytes,
            chosen.HostBytes,
            MemoryByStage = chosen.Stages.Select(stage => stage.Device),
            Traffic = chosen.Traffic!.Kinds.ToDictionary(kind => Key(kind.Kind), kind => new { kind.Use.NodeBytes, kind.Use.LinkBytes }),
            Seconds = chosen.Seconds!.Kinds.ToDictionary(kind => Key(kind.Kind), kind => kind.Seconds),
            chosen.Traffic.BusBytes,
            StepSeconds = chosen.Seconds.Step,
            chosen.TokensPerSecond,
            result.CheckpointBytes,
            result.CheckpointSeconds,
            Fits = 1 + result.Others.Count(plan => plan.Fits),
            Others = result.Others.Take(Others).Select(plan => new { Layout = Layout(plan), plan.Fits, plan.TokensPerSecond, MemoryBytes = plan.DeviceBytes, plan.Reason }),
            result.Flags,
        };
    }

    public static object Of(IReadOnlyList<CardPlan> plans) => new
    {
        Cards = plans.Select(plan => new
        {
            plan.Model,
            plan.CardGigabytes,
            Cards = plan.Best?.Ranks,
            Layout = plan.Best is { } best ? Layout(best) : null,
            MemoryBytes = plan.Best?.DeviceBytes,
            plan.Best?.TokensPerSecond,
        }),
    };

    private static object Layout(PlannedLayout plan) => new { plan.Data, plan.Tensor, plan.Pipeline, plan.Zero, plan.VirtualShards, plan.Recompute, plan.SplitActivations };

    private static string Key(string kind) => kind.Replace(' ', '_').Replace('-', '_').ToLowerInvariant();
}

namespace Tulu2.Runs.LayoutPlans;

/// <summary>The flags of <c>plan</c> as they were written; null: not given.</summary>
internal sealed record PlanFlags
{
    public string? Model { get; init; }
    public string? Device { get; init; }
    public int? Ranks { get; init; }
    public int? RanksPerNode { get; init; }
    public int? Length { get; init; }
    public string? Memory { get; init; }
    public string? HostMemory { get; init; }
    public string? Flops { get; init; }
    public string? MemoryBandwidth { get; init; }
    public string? HostBandwidth { get; init; }
    public string? BusBandwidth { get; init; }
    public string? DeviceBandwidth { get; init; }
    public string? NodeBandwidth { get; init; }
    public string? LinkBandwidth { get; init; }
    public string? Disk { get; init; }
}

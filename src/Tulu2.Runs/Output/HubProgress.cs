using Tulu2.Hub.Fetching;

namespace Tulu2.Runs.Output;

/// <summary>Progress of a fetch, in megabytes.</summary>
internal static class HubProgress
{
    private const long Megabyte = 1_000_000;

    public static Action<FetchProgress> Of(string name, Action<ProgressSnapshot> report) => now =>
        report(new ProgressSnapshot(now.Bytes / Megabyte, Math.Max(1, now.TotalBytes / Megabyte)) { Phase = $"{name} (MB)" });
}

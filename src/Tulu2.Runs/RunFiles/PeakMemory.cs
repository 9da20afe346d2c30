using System.Diagnostics;
using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Runs.RunFiles;

/// <summary>
/// The most resident memory that each rank's process has had, as it wrote it down at its end: <c>memory/rank-N.json</c>. A rank that was started again keeps
/// the greater number; a rank that is a thread, or was killed, writes none.
/// </summary>
internal static class PeakMemory
{
    /// <summary>Writes down this process's peak.</summary>
    /// <param name="rank">The rank that it computed for.</param>
    public static void Keep(RunDirectory run, int rank)
    {
        using var process = Process.GetCurrentProcess();
        var bytes = Math.Max(process.PeakWorkingSet64, Read(run.PeakMemoryOf(rank)) ?? 0);
        // A run directory that was deleted meanwhile is not made again.
        if (bytes > 0 && Directory.Exists(run.Root))
            AtomicFile.WriteAllText(run.PeakMemoryOf(rank), JsonSerializer.Serialize(new Dictionary<string, long> { [Key] = bytes }));
    }

    /// <summary>Bytes of the rank that had most; null: none wrote it down.</summary>
    public static long? Most(RunDirectory run) =>
        Directory.Exists(run.PeakMemory) ? Directory.EnumerateFiles(run.PeakMemory, "rank-*.json").Select(Read).Max() : null;

    private const string Key = "peak_bytes";

    // A damaged file only costs a number.
    private static long? Read(string path)
    {
        try
        {
            var kept = File.Exists(path) ? JsonSerializer.Deserialize<Dictionary<string, long>>(File.ReadAllText(path)) : null;
            return kept is not null && kept.TryGetValue(Key, out var bytes) ? bytes : null;
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

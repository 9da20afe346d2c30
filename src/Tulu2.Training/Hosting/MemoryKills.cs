using System.Globalization;

namespace Tulu2.Training.Hosting;

/// <summary>How often the kernel has killed a process because memory had run out.</summary>
internal static class MemoryKills
{
    private const string Path = "/proc/vmstat", Field = "oom_kill ";

    /// <summary>On this machine since it was started; 0 where the kernel does not say.</summary>
    public static long Count()
    {
        try
        {
            return In(File.ReadLines(Path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    internal static long In(IEnumerable<string> lines) =>
        lines.FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Field.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;
}

using System.Globalization;
using Tulu2.Protocol.Placement;

namespace Tulu2.Training.Hosting;

/// <summary>
/// Reads how much memory this process and those that it starts may use: that of the machine, or the smallest limit of the control groups around them. What is free
/// just now is of no interest: others end, and files that are cached give way.
/// </summary>
public static class MemoryReader
{
    private const string Groups = "/proc/self/cgroup", Machine = "/proc/meminfo", Boot = "/proc/sys/kernel/random/boot_id", Mount = "/sys/fs/cgroup";

    public static MachineMemory Read() => Read(Text, Environment.MachineName);

    /// <param name="file">The text of a file; null: it cannot be read.</param>
    /// <param name="host">Tells the limits of two containers apart, whose control groups have the same path.</param>
    internal static MachineMemory Read(Func<string, string?> file, string host)
    {
        var boot = file(Boot)?.Trim() ?? host;
        var total = new MachineMemory(MachineBytes(file(Machine)) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, boot);
        return Limits(file).Select(limit => new MachineMemory(limit.Bytes, $"{boot} {host} {limit.Group}")).Prepend(total).MinBy(memory => memory.Bytes)!;
    }

    private static long? MachineBytes(string? text)
    {
        const string field = "MemTotal:";
        var line = text?.Split('\n').FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.TryParse(line?[field.Length..].Replace("kB", "").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes) ? kibibytes << 10 : null;
    }

    // A group has at most what those around it have. In a container its path may be the host's, and only the root is there.
    private static IEnumerable<(string Group, long Bytes)> Limits(Func<string, string?> file)
    {
        foreach (var line in file(Groups)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (line.Split(':', 3) is not [_, var controllers, var path]) continue;
            var (folder, name) = controllers.Length == 0 ? (Mount, "memory.max") : ($"{Mount}/memory", "memory.limit_in_bytes");
            if (controllers.Length > 0 && !controllers.Split(',').Contains("memory")) continue;
            for (var group = path.TrimEnd('/'); ; group = group[..group.LastIndexOf('/')])
            {
                if (long.TryParse(file($"{folder}{group}/{name}")?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)) yield return ($"{folder}{group}", bytes);
                if (!group.Contains('/')) break;
            }
        }
    }

    private static string? Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

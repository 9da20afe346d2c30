using System.Globalization;

namespace Tulu2.Runs.Chaos;

/// <summary>The live processes of a run on this machine, found by their arguments and parents in <c>/proc</c>.</summary>
internal static class RunProcesses
{
    private const int LeadingWords = 5;

    /// <param name="launcher">The process that was started for the run.</param>
    public static ILookup<ChaosRole, int> Of(int launcher)
    {
        var (parents, words) = (new Dictionary<int, int>(), new Dictionary<int, string[]>());
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory), out var process) && Read(directory) is var (parent, command))
                (parents[process], words[process]) = (parent, command);
        return words.Keys.Where(process => process != launcher && Belongs(process)).Order()
            .SelectMany(process => RoleOf(words[process]) is { } role ? [(role, process)] : Array.Empty<(ChaosRole, int)>())
            .Append((ChaosRole.Launcher, launcher)).Where(found => parents.ContainsKey(found.Item2)).ToLookup(found => found.Item1, found => found.Item2);

        // Workers that were left behind have another parent: their owner is in their arguments.
        bool Belongs(int process)
        {
            if (Array.IndexOf(words[process], "--owner") is >= 0 and var at && at + 1 < words[process].Length && int.TryParse(words[process][at + 1], out var owner))
                return owner == launcher || (words.ContainsKey(owner) && owner != process && Belongs(owner));
            return parents[process] == launcher || (parents[process] > 1 && words.ContainsKey(parents[process]) && Belongs(parents[process]));
        }
    }

    /// <summary>When a process was started, in the kernel's ticks; null: there is no such process.</summary>
    public static ulong? StartOf(int process)
    {
        const int StartField = 19;
        return Status($"/proc/{process}") is { } fields && fields.Length > StartField ? ulong.Parse(fields[StartField], CultureInfo.InvariantCulture) : null;
    }

    private static ChaosRole? RoleOf(string[] words)
    {
        var leading = words.Take(LeadingWords).ToArray();
        return leading.Contains("worker") ? ChaosRole.Worker : leading.Contains("coordinator") ? ChaosRole.Coordinator : leading.Contains("node") ? ChaosRole.Node : null;
    }

    private static (int Parent, string[] Words)? Read(string directory)
    {
        try
        {
            return Status(directory) is not { } fields || fields[0] is "Z" or "X" ? null
                : (int.Parse(fields[1], CultureInfo.InvariantCulture), File.ReadAllText(Path.Combine(directory, "cmdline")).Split('\0'));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // State, parent, …: what follows the name, which may have any character.
    private static string[]? Status(string directory)
    {
        try
        {
            var status = File.ReadAllText(Path.Combine(directory, "stat"));
            return status[(status.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

using System.Diagnostics;

namespace Tulu2.ClusterTests.Processes;

/// <summary>Two network namespaces with one cable between them: to what runs inside, two machines that share a disk.</summary>
internal sealed class NetworkNamespaces : IDisposable
{
    private static int _made;

    private readonly string _suffix = $"{Environment.ProcessId % 100000}{(char)('a' + Interlocked.Increment(ref _made) % 26)}";

    private NetworkNamespaces()
    {
    }

    public string[] Names => [$"tulu2a{_suffix}", $"tulu2b{_suffix}"];

    public static string[] Addresses { get; } = ["10.99.77.1", "10.99.77.2"];

    /// <summary>Null, with the reason, where this machine does not let us.</summary>
    public static NetworkNamespaces? TryCreate(out string reason)
    {
        var made = new NetworkNamespaces();
        if (made.TrySetUp(out reason)) return made;
        made.Dispose();
        return null;
    }

    /// <summary>What a command is run under to be in the namespace.</summary>
    public string[] Inside(int which) => ["ip", "netns", "exec", Names[which]];

    /// <summary>The cable carries nothing any more, and nobody is told.</summary>
    public void Cut() => Set("down");

    public void Repair() => Set("up");

    public void Dispose()
    {
        // The cable goes with its ends.
        foreach (var name in Names) Run($"netns delete {name}", out _);
    }

    // The second one's end: at the first one's, its processes would not reach each other any more.
    private void Set(string state)
    {
        if (!Run($"-n {Names[1]} link set cable {state}", out var error)) throw new InvalidOperationException(error);
    }

    private bool TrySetUp(out string reason)
    {
        reason = "";
        foreach (var name in Names)
            if (!Run($"netns add {name}", out reason)) return false;
        if (!Run($"-n {Names[0]} link add cable type veth peer name cable netns {Names[1]}", out reason)) return false;
        for (var which = 0; which < 2; which++)
            foreach (var command in new[] { $"addr add {Addresses[which]}/24 dev cable", "link set cable up", "link set lo up" })
                if (!Run($"-n {Names[which]} {command}", out reason)) return false;
        return true;
    }

    private static bool Run(string arguments, out string error)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            error = $"ip {arguments}: {process.StandardError.ReadToEnd().Trim()}";
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            error = $"ip: {missing.Message}";
            return false;
        }
    }
}

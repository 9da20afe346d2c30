using System.Net;
using System.Net.Sockets;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>The commands of <c>docs/processes.md</c> for a cluster on one host, as they are written there.</summary>
public sealed class OneHostTests(ITestOutputHelper log)
{
    private const int Port = 4053;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [SkippableFact]
    public async Task The_commands_for_one_host_work_as_they_are_written()
    {
        // In a network of its own, where the file's port is free whatever else runs here.
        using var network = NetworkNamespaces.TryCreate(out _);
        Skip.If(network is null && !IsFree(), $"port {Port} is taken, and there is no network of its own to be had");
        var repository = Repository();
        var folder = Directory.CreateTempSubdirectory("tulu2-one-host-");
        Copy(new DirectoryInfo(Path.Combine(repository, "cluster-config")), Path.Combine(folder.FullName, "cluster-config"));
        string[][] commands = [.. File.ReadLines(Path.Combine(repository, "docs", "processes.md"))
            .Where(line => line.StartsWith("    tulu2 ", StringComparison.Ordinal)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..])];
        Assert.Equal(["tokenizer", "node", "node", "node", "node", "submit", "status"], commands.Select(command => command[0]));

        var nodes = new List<TuluProcess>();
        try
        {
            foreach (var command in commands)
            {
                var process = TuluProcess.StartUnder(["env", "-C", folder.FullName, .. network?.Inside(0) ?? []], Path.Combine(folder.FullName, "cache"), command);
                if (command[0] == "node")
                {
                    nodes.Add(process);
                    continue;
                }
                using (process)
                {
                    var code = await process.WaitForExitAsync(Patience);
                    log.WriteLine($"{string.Join(' ', command)}\n{process.Errors}\n{process.Output}");
                    Assert.True(code == 0, string.Join('\n', [process.Output, process.Errors, .. nodes.Select(node => node.Errors)]));
                }
            }
            Assert.Equal(40, File.ReadAllLines(Path.Combine(folder.FullName, "runs", "one-host", "run", "metrics.jsonl")).Length);
            Assert.All(nodes, node => Assert.DoesNotContain("   at ", node.Errors, StringComparison.Ordinal));
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
            folder.Delete(recursive: true);
        }
    }

    private static bool IsFree()
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, Port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Copy(DirectoryInfo from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in from.EnumerateFiles()) file.CopyTo(Path.Combine(to, file.Name));
        foreach (var folder in from.EnumerateDirectories()) Copy(folder, Path.Combine(to, folder.Name));
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Tulu2Actors.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}

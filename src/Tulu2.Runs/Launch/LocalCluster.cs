using System.Diagnostics;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Hosting;

namespace Tulu2.Runs.Launch;

/// <summary>
/// <c>--nodes N</c>: node processes of a cluster on this machine, which this process coordinates. A node that ends is reported to the cluster at once and
/// restarted.
/// </summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private const int RestartsPerMinute = 5;

    private readonly ActorHost _host;
    private readonly Action<string> _say;
    private readonly Action<Exception> _giveUp;
    private readonly string _log;
    private readonly DirectoryInfo _folder;
    private readonly List<Task> _watches = [];
    private readonly CancellationTokenSource _ending = new();

    private LocalCluster(ActorHost host, int ranksPerNode, string log, Action<string> say, Action<Exception> giveUp)
    {
        (_host, _log, _say, _giveUp) = (host, log, say, giveUp);
        _folder = Directory.CreateTempSubdirectory("tulu2-");
        File.WriteAllText(Config, $$"""
            {{ClusterConfig.LocalTimings}}
            akka.cluster.roles = ["trainer"]
            akka.cluster.seed-nodes = ["{{host.Address}}"]
            tulu2.node.places = {{ranksPerNode}}
            """);
    }

    private string Config => Path.Combine(_folder.FullName, "node.conf");

    /// <param name="log">File for what the nodes print.</param>
    /// <param name="giveUp">Called when a node keeps failing: the run would wait for its ranks in vain.</param>
    public static LocalCluster Start(ActorHost host, int nodes, int ranksPerNode, string log, Action<string> say, Action<Exception> giveUp)
    {
        var cluster = new LocalCluster(host, ranksPerNode, log, say, giveUp);
        for (var node = 1; node <= nodes; node++)
        {
            var number = node;
            cluster._watches.Add(Task.Run(() => cluster.WatchAsync(number)));
        }
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_watches);
        _folder.Delete(recursive: true);
    }

    private async Task WatchAsync(int number)
    {
        var recent = new Queue<long>();
        while (!_ending.IsCancellationRequested)
        {
            var (end, fault) = await new NodeProcess(Config, line => Log(number, line), _host.Down).RunAsync(_ending.Token);
            if (_ending.IsCancellationRequested) return;
            if (fault is not null)
            {
                // It would fail in the same way again.
                _giveUp(fault);
                return;
            }
            while (recent.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest) > TimeSpan.FromMinutes(1)) recent.Dequeue();
            recent.Enqueue(Stopwatch.GetTimestamp());
            if (recent.Count > RestartsPerMinute)
            {
                _giveUp(new InvalidOperationException($"node {number} {end}, for the {recent.Count}th time within a minute; its last lines are in {_log}"));
                return;
            }
            _say($"node {number} {end}; it is restarted");
        }
    }

    private void Log(int number, string line)
    {
        try
        {
            lock (_folder) File.AppendAllText(_log, $"node {number}: {line}\n");
        }
        catch (IOException)
        {
            // For people only.
        }
    }
}

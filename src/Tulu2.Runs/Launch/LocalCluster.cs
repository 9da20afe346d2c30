using System.Diagnostics;
using System.Text.Json;
using Tulu2.Cluster.Hosting;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Workers.Processes;

namespace Tulu2.Runs.Launch;

/// <summary>
/// <c>--nodes N</c>: node processes of a cluster on this machine, which this process coordinates. One that ends is reported to the cluster at once and
/// started again.
/// </summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private const int RestartsPerMinute = 5;
    private const int LinesOfABlock = 20;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);

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
            {{ActorHost.LocalTimings}}
            akka.cluster.roles = ["trainer"]
            akka.cluster.seed-nodes = ["{{host.Address}}"]
            tulu2.node.places = {{ranksPerNode}}
            """);
    }

    private string Config => Path.Combine(_folder.FullName, "node.conf");

    /// <param name="log">Takes what the nodes print.</param>
    /// <param name="giveUp">Hears when a node cannot be kept alive: its ranks would be waited for in vain.</param>
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
            var (end, fault) = await RunAsync(number);
            if (_ending.IsCancellationRequested) return;
            if (fault is not null)
            {
                // It would end with the same words again.
                _giveUp(fault);
                return;
            }
            while (recent.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest) > TimeSpan.FromMinutes(1)) recent.Dequeue();
            recent.Enqueue(Stopwatch.GetTimestamp());
            if (recent.Count > RestartsPerMinute)
            {
                _giveUp(new InvalidOperationException($"node {number} {end}, for the {recent.Count}th time within a minute; its last words are in {_log}"));
                return;
            }
            _say($"node {number} {end}; it is started again");
        }
    }

    // Until the process ends; says how, and what the user has to correct.
    private async Task<(string End, BadInputException? Fault)> RunAsync(int number)
    {
        var start = new ProcessStartInfo(ThisProgram.File, [.. ThisProgram.Arguments, "node", "--config", Config, "--child", "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = ProcessStarter.Start(start);
        string? address = null;
        var last = new Queue<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            Log(number, line.Data);
            last.Enqueue(line.Data ?? "");
            if (last.Count > LinesOfABlock) last.Dequeue();
        };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith('{') == true) address = JsonDocument.Parse(line.Data).RootElement.GetProperty("address").GetString();
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            await process.WaitForExitAsync(_ending.Token);
        }
        catch (OperationCanceledException)
        {
            ChildProcess.Terminate(process.Id);
            using var patience = new CancellationTokenSource(EndPatience);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
        // Its parent knows that it is dead: nobody has to wait for its heartbeats.
        if (address is not null) _host.Down(address);
        var fault = process.ExitCode == ExitCode.BadInput ? ErrorReport.Read([.. last]) : null;
        return ($"(process {process.Id}) {ProcessEnd.Describe(process.ExitCode)}", fault);
    }

    private void Log(int number, string? line)
    {
        if (line is null) return;
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

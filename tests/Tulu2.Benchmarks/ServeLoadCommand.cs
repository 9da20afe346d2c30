using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Tulu2.Benchmarks;

/// <summary>
/// <c>serve-load MODEL [SECONDS] [CLIENTS]</c>: starts <c>tulu2 serve</c> in a process of its own, lets clients at it, and prints errors, times to the first
/// token and the server's memory over time. Its exit code is 1 where the server made an error, or a seed was not respected.
/// </summary>
internal static class ServeLoadCommand
{
    public static async Task<int> RunAsync(string model, int seconds, int clients, TextWriter output)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "tulu2.dll");
        var start = new ProcessStartInfo("dotnet", [program, "serve", "--model", model, "--port", "0", "--json"]) { RedirectStandardOutput = true };
        using var server = Process.Start(start)!;
        try
        {
            var line = await server.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server did not start");
            var ready = JsonDocument.Parse(line).RootElement;
            var load = new ServeLoad(new Uri(ready.GetProperty("url").GetString()!), ready.GetProperty("model").GetString()!, clients, seed: 1);
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            var running = load.RunAsync(int.MaxValue, stop.Token);
            var memory = await WatchAsync(server.Id, running);
            await output.WriteLineAsync(load.Summary());
            await output.WriteLineAsync($"memory of the server in MiB, every five seconds: {string.Join(' ', memory)}");
            foreach (var group in load.Errors.GroupBy(error => error).OrderByDescending(group => group.Count()).Take(10))
                await output.WriteLineAsync($"{group.Count()} x {group.Key}");
            using var http = new HttpClient { BaseAddress = new Uri(ready.GetProperty("url").GetString()!) };
            var metrics = await http.GetStringAsync("/metrics");
            foreach (var metric in metrics.Split('\n').Where(metric => metric.StartsWith("tulu2_", StringComparison.Ordinal) && !metric.Contains("_bucket")))
                await output.WriteLineAsync(metric);
            Process.Start("kill", ["-TERM", server.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
            await server.WaitForExitAsync();
            await output.WriteLineAsync($"exit code after SIGTERM: {server.ExitCode}");
            return load.Errors.Count == 0 ? 0 : 1;
        }
        finally
        {
            if (!server.HasExited) server.Kill();
        }
    }

    private static async Task<List<long>> WatchAsync(int process, Task running)
    {
        var memory = new List<long>();
        do memory.Add(ResidentMiB(process));
        while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(5))) != running);
        await running;
        memory.Add(ResidentMiB(process));
        return memory;
    }

    private static long ResidentMiB(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..^" kB".Length], CultureInfo.InvariantCulture) / 1024;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Tulu2.ClusterTests.Processes;

/// <summary>The product as a user runs it: a process of its own, whose output is read and which can be killed at any moment.</summary>
internal sealed class TuluProcess : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "tulu2.dll");

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private TuluProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => { if (line.Data is not null) _output.Enqueue(line.Data); };
        process.ErrorDataReceived += (_, line) => { if (line.Data is not null) _errors.Enqueue(line.Data); };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Errors => string.Join('\n', _errors);
    public string Output => string.Join('\n', _output);

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static TuluProcess Start(string cache, params string[] arguments) => StartUnder([], cache, arguments);

    /// <param name="wrapper">What the program is run under, such as <c>ip netns exec NAME</c>.</param>
    public static TuluProcess StartUnder(string[] wrapper, string cache, params string[] arguments)
    {
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string[] line = [.. wrapper, host, Program, .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["TULU2_CACHE"] = cache;
        return new TuluProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
    }

    /// <summary>Runs to the end and returns the exit code with everything printed.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string cache, params string[] arguments)
    {
        using var process = Start(cache, arguments);
        var code = await process.WaitForExitAsync(TimeSpan.FromMinutes(5));
        return (code, process.Output, process.Errors);
    }

    /// <summary>Runs with <c>--json</c>, asserts success, and returns the last line's object.</summary>
    public static async Task<JsonElement> RunJsonAsync(string cache, params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(cache, [.. arguments, "--json"]);
        Xunit.Assert.True(code == 0, $"tulu2 {string.Join(' ', arguments)} ended with {code}\n{output}\n{errors}");
        return LastJson(output);
    }

    /// <summary>The object in the last line printed, after the end.</summary>
    public JsonElement LastJson() => LastJson(Output);

    private static JsonElement LastJson(string output) =>
        JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.Clone();

    public async Task<int> WaitForExitAsync(TimeSpan deadline)
    {
        using var cancellation = new CancellationTokenSource(deadline);
        await _process.WaitForExitAsync(cancellation.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits until the file has at least <paramref name="lines"/> lines; false when the process ended before.</summary>
    public async Task<bool> WaitForLinesAsync(string file, int lines, TimeSpan deadline)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var cancellation = new CancellationTokenSource(deadline);
        while (await timer.WaitForNextTickAsync(cancellation.Token))
        {
            if (File.Exists(file) && CountLines(file) >= lines) return true;
            if (_process.HasExited) return false;
        }
        return false;
    }

    /// <summary>Sends a signal by its number, to this process alone.</summary>
    public void Signal(int number)
    {
        using var kill = Process.Start("kill", [$"-{number}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL: nothing of the process runs any more.</summary>
    public void Kill()
    {
        try { _process.Kill(entireProcessTree: true); } catch (InvalidOperationException) { /* it has ended by itself */ }
        _process.WaitForExit();
    }

    /// <summary>SIGKILL to this process, not to those it started.</summary>
    public void KillAlone()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static int CountLines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Count(c => c == '\n');
    }
}

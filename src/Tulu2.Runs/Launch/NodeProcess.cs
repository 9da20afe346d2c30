using System.Diagnostics;
using System.Text.Json;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Hosting;

namespace Tulu2.Runs.Launch;

/// <summary>How a node process ended.</summary>
/// <param name="Text">For a person, such as <c>(process 17) was killed by signal 9</c>.</param>
/// <param name="Fault">Bad input that the node reported; null: none.</param>
internal sealed record NodeEnd(string Text, BadInputException? Fault);

/// <summary>One node process of this machine, from its start to its end.</summary>
/// <param name="log">Takes each line of its standard error.</param>
/// <param name="down">Takes its address in the cluster once it has ended, so that the cluster does not wait for its heartbeats.</param>
internal sealed class NodeProcess(string config, Action<string> log, Action<string> down)
{
    private const int LinesOfABlock = 20;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);

    private readonly Queue<string> _last = new();
    private string? _address;

    /// <summary>Starts the process and waits until it ends; <paramref name="ending"/> terminates it.</summary>
    public async Task<NodeEnd> RunAsync(CancellationToken ending)
    {
        using var process = ProcessStarter.Start(new ProcessStartInfo(ThisProgram.File, [.. ThisProgram.Arguments, "node", "--config", config, "--child", $"{Environment.ProcessId}", "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        });
        process.ErrorDataReceived += (_, line) => HearError(line.Data);
        process.OutputDataReceived += (_, line) => HearOutput(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            await process.WaitForExitAsync(ending);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process);
        }
        if (_address is not null) down(_address);
        return new NodeEnd($"(process {process.Id}) {ProcessEnd.Describe(process.ExitCode)}", process.ExitCode == ExitCode.BadInput ? ErrorReport.Read([.. _last]) : null);
    }

    private static async Task EndAsync(Process process)
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

    private void HearError(string? line)
    {
        if (line is not null) log(line);
        _last.Enqueue(line ?? "");
        if (_last.Count > LinesOfABlock) _last.Dequeue();
    }

    // The line of `node --json`.
    private void HearOutput(string? line)
    {
        if (line?.StartsWith('{') == true) _address = JsonDocument.Parse(line).RootElement.GetProperty("address").GetString();
    }
}

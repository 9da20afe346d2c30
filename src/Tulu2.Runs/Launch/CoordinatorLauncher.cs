using System.Diagnostics;
using Tulu2.Cluster.Ledger;
using Tulu2.Runs.Output;
using Tulu2.Training.Hosting;

namespace Tulu2.Runs.Launch;

/// <summary>
/// Runs a command in a process of its own, and in another one when that is killed: it adopts the workers that the first one left. Does nothing else, so that there is
/// little that could end it.
/// </summary>
/// <param name="command">The command's arguments.</param>
/// <param name="ledger">The run's <c>ledger/</c> directory.</param>
/// <param name="spare">Keep a process ready to take over.</param>
internal sealed class CoordinatorLauncher(IReadOnlyList<string> command, string ledger, bool spare, Action<string> say)
{
    private const int MostDeaths = 5;
    private static readonly TimeSpan SpareInterval = TimeSpan.FromMilliseconds(500);

    private readonly AdoptionFolder _folder = new(Directory.CreateTempSubdirectory("tulu2-").FullName, Environment.ProcessId);
    private Process? _spare;
    private int _spares;

    /// <param name="stopSignal">Number of the signal that stops the command; after <paramref name="stopping"/> is cancelled.</param>
    /// <returns>The command's exit code.</returns>
    public async Task<int> RunAsync(Func<int> stopSignal, CancellationToken stopping)
    {
        try
        {
            var (deaths, steps) = (0, -1);
            for (var process = Start(CoordinatorRole.First); ; process = Next())
            {
                using var current = process;
                await using var forward = stopping.Register(() => ChildProcess.Send(current.Id, stopSignal()));
                // What a death costs is little, unless one follows the other with nothing made in between.
                var made = Steps();
                (deaths, steps) = (made > steps ? 0 : deaths, made);
                await WaitAsync(current, stopping);
                if (!ProcessEnd.IsCrash(current.ExitCode)) return current.ExitCode;
                var how = $"the coordinating process ({current.Id}) {ProcessEnd.Describe(current.ExitCode)}";
                if (stopping.IsCancellationRequested)
                {
                    say($"{how} while it stopped the run; --resume continues it");
                    return ExitCode.Failed;
                }
                if (++deaths > MostDeaths)
                {
                    say($"{how}, as {MostDeaths} did before it without a step in between: the run is given up. --resume continues it");
                    return ExitCode.Failed;
                }
                say($"{how}; another one takes over");
            }
        }
        finally
        {
            EndSpare();
            Directory.Delete(_folder.Path, recursive: true);
        }
    }

    // Keeps a spare meanwhile, if there is to be one and the run makes steps.
    private async Task WaitAsync(Process current, CancellationToken stopping)
    {
        var end = current.WaitForExitAsync(CancellationToken.None);
        while (spare && await Task.WhenAny(end, Task.Delay(SpareInterval, CancellationToken.None)) != end)
        {
            if (stopping.IsCancellationRequested) break;
            if (_spare is { HasExited: false } || !File.Exists(LaunchedCoordinator.MarkOf(_folder)) || ++_spares > MostDeaths) continue;
            _spare?.Dispose();
            _spare = Start(CoordinatorRole.Spare);
        }
        await end;
    }

    private Process Next()
    {
        File.Delete(LaunchedCoordinator.MarkOf(_folder));
        if (_spare is not { HasExited: false } ready) return Start(CoordinatorRole.Successor);
        (_spare, _spares) = (null, 0);
        try
        {
            ready.StandardInput.WriteLine();
            ready.StandardInput.Flush();
            return ready;
        }
        catch (IOException)
        {
            // It has died just now.
            ready.Dispose();
            return Start(CoordinatorRole.Successor);
        }
    }

    private void EndSpare()
    {
        if (_spare is not { } ready) return;
        if (!ready.HasExited) ready.Kill();
        ready.Dispose();
    }

    private Process Start(CoordinatorRole role) => ProcessStarter.Start(
        new ProcessStartInfo(ThisProgram.File, [.. ThisProgram.Arguments, .. LaunchedCoordinator.Start(_folder, role, command)])
        {
            // It is told there that it is its turn, and by the end of it that its launcher is gone. Everything else it shares with this process.
            RedirectStandardInput = true,
            UseShellExecute = false,
        });

    private int Steps()
    {
        try
        {
            return LedgerReader.ReadSound(ledger).Select(entry => entry.Event).OfType<LedgerEvent.StepCommitted>().Select(step => step.Step).DefaultIfEmpty().Max();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The next process says what is wrong with it.
            return 0;
        }
    }
}

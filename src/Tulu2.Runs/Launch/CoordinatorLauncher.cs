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
/// <param name="recipe">The recipe file among them.</param>
/// <param name="ledger">The run's <c>ledger/</c> directory.</param>
/// <param name="spare">Keep a process ready to take over.</param>
internal sealed class CoordinatorLauncher(IReadOnlyList<string> command, string recipe, string ledger, bool spare, Action<string> say)
{
    private const int MostDeaths = 5;
    private static readonly TimeSpan SpareInterval = TimeSpan.FromMilliseconds(500);

    private const int MostStarts = 5;
    private static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(1);

    private readonly OwnAdoptionFolder _own = OwnAdoptionFolder.Create();
    private Process? _spare;
    private int _spares;

    private AdoptionFolder Folder => _own.Folder;

    /// <param name="stopSignal">Number of the signal that stops the command; after <paramref name="stopping"/> is cancelled.</param>
    /// <returns>The command's exit code.</returns>
    public async Task<int> RunAsync(Func<int> stopSignal, CancellationToken stopping)
    {
        try
        {
            // Whoever takes over later is to read the recipe as it is now.
            File.Copy(recipe, LaunchedCoordinator.RecipeIn(Folder), overwrite: true);
            var (deaths, steps) = (0, -1);
            for (var process = Start(CoordinatorRole.First); ; process = await NextAsync())
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
            _own.Dispose();
        }
    }

    // Keeps a spare meanwhile, if there is to be one and the run makes steps.
    private async Task WaitAsync(Process current, CancellationToken stopping)
    {
        var end = current.WaitForExitAsync(CancellationToken.None);
        while (spare && await Task.WhenAny(end, Task.Delay(SpareInterval, CancellationToken.None)) != end)
        {
            if (stopping.IsCancellationRequested) break;
            if (_spare is { HasExited: false } || !File.Exists(LaunchedCoordinator.MarkOf(Folder)) || ++_spares > MostDeaths) continue;
            _spare?.Dispose();
            _spare = null;
            try
            {
                _spare = Start(CoordinatorRole.Spare);
            }
            catch (Exception fault) when (IsNoProcess(fault))
            {
                // The run goes on without one.
            }
        }
        await end;
    }

    private async Task<Process> NextAsync()
    {
        if (File.Exists(LaunchedCoordinator.MarkOf(Folder))) File.Delete(LaunchedCoordinator.MarkOf(Folder));
        if (_spare is not { HasExited: false } ready) return await StartSuccessorAsync();
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
            return await StartSuccessorAsync();
        }
    }

    // A machine that has no room for one more process may have it in a moment.
    private async Task<Process> StartSuccessorAsync()
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return Start(CoordinatorRole.Successor);
            }
            catch (Exception fault) when (IsNoProcess(fault) && tries < MostStarts)
            {
                await Task.Delay(StartInterval);
            }
        }
    }

    private static bool IsNoProcess(Exception fault) => fault is System.ComponentModel.Win32Exception or IOException or InvalidOperationException;

    private void EndSpare()
    {
        if (_spare is not { } ready) return;
        if (!ready.HasExited) ready.Kill();
        ready.Dispose();
    }

    private Process Start(CoordinatorRole role) => ProcessStarter.Start(
        new ProcessStartInfo(ThisProgram.File, [.. ThisProgram.Arguments, .. LaunchedCoordinator.Start(Folder, role, command)])
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

using System.Diagnostics;
using System.Text.Json;
using Tulu2.Cluster.Ledger;
using Tulu2.Files;
using Tulu2.Runs.Launch;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Chaos;

/// <summary>A fault that came about.</summary>
/// <param name="At">Seconds since the run began.</param>
/// <param name="Step">Committed before.</param>
/// <param name="ToCommit">Seconds to the next commit, that of the step that was under way; null: none came any more.</param>
internal sealed record InjectedFault(string What, int Process, double At, int Step, double? ToCommit);

/// <summary>What became of a run under faults.</summary>
/// <param name="Exit">Of the command, or of its last resume.</param>
/// <param name="ParametersSha256">Null: it did not end in order.</param>
/// <param name="Resumes">Times that it was resumed, after its launcher was killed.</param>
internal sealed record ChaosOutcome(int Exit, string? ParametersSha256, IReadOnlyList<InjectedFault> Faults, int Resumes, double Seconds, LedgerVerdict? Ledger, string Errors);

/// <summary>Runs <c>train</c> as a user does, in a process of its own, and does to its processes what a schedule says.</summary>
/// <param name="train">The arguments after <c>train</c>, without <c>--run</c>, <c>--resume</c> and <c>--json</c>.</param>
/// <param name="say">Takes a line for each fault.</param>
internal sealed class ChaosRun(IReadOnlyList<string> train, RunDirectory directory, ChaosSchedule schedule, Action<string> say)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5), Turn = TimeSpan.FromMilliseconds(100);
    private const int Stop = 19, Continue = 18, Kill = 9, Terminate = 15;
    private const int ErrorLines = 20;

    private readonly List<InjectedFault> _faults = [];
    private readonly List<(double At, Action Do)> _later = [];
    private readonly Queue<string> _errors = new();
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private string _last = "";

    public async Task<ChaosOutcome> RunAsync(CancellationToken cancellation)
    {
        var (steps, committed, resumes) = (new CommittedSteps(directory.Metrics), double.NegativeInfinity, 0);
        var process = Start(resumes: false);
        try
        {
            while (true)
            {
                var now = _time.Elapsed.TotalSeconds;
                if (steps.Look())
                {
                    committed = now;
                    Recovered(now);
                }
                foreach (var (_, act) in _later.Where(later => later.At <= now).ToArray()) act();
                _later.RemoveAll(later => later.At <= now);
                if (process.HasExited)
                {
                    await process.WaitForExitAsync(cancellation);
                    if (!_wasLauncherKilled) break;
                    // Its coordinator ends the run in order, at the end of the step.
                    (_wasLauncherKilled, resumes) = (false, resumes + 1);
                    process.Dispose();
                    process = Start(resumes: true);
                    say($"{now:F1} s  the run is resumed");
                }
                foreach (var fault in schedule.Due(now, steps.Last, committed)) Inject(fault, process.Id, now, steps.Last);
                await Task.Delay(Interval, cancellation);
            }
            return new ChaosOutcome(process.ExitCode, HashOf(_last), _faults, resumes, _time.Elapsed.TotalSeconds, Verify(), string.Join('\n', _errors));
        }
        finally
        {
            End(process);
        }
    }

    private bool _wasLauncherKilled;

    private void Inject(ChaosFault fault, int launcher, double now, int step)
    {
        int[] processes = [.. RunProcesses.Of(launcher)[fault.Role]];
        // A run without nodes has none, and one whose workers are just being started no worker.
        if (processes.Length == 0) return;
        var process = processes[schedule.OneOf(processes.Length)];
        switch (fault.Kind)
        {
            case ChaosKind.Kill:
                _wasLauncherKilled |= fault.Role == ChaosRole.Launcher;
                ChildProcess.Send(process, Kill);
                break;
            case ChaosKind.Terminate:
                ChildProcess.Send(process, Terminate);
                break;
            case ChaosKind.Stop:
                ChildProcess.Send(process, Stop);
                _later.Add((now + fault.Seconds, () => ChildProcess.Send(process, Continue)));
                break;
            case ChaosKind.Slow:
                for (var from = 0.0; from < fault.Seconds; from += Turn.TotalSeconds)
                {
                    _later.Add((now + from, () => ChildProcess.Send(process, Stop)));
                    _later.Add((now + from + fault.Share * Turn.TotalSeconds, () => ChildProcess.Send(process, Continue)));
                }
                break;
        }
        _faults.Add(new InjectedFault(fault.What, process, now, step, null));
    }

    private void Recovered(double now)
    {
        for (var index = 0; index < _faults.Count; index++)
        {
            if (_faults[index].ToCommit is not null) continue;
            var fault = _faults[index] = _faults[index] with { ToCommit = now - _faults[index].At };
            say(FormattableString.Invariant($"{fault.At:F1} s  after step {fault.Step}: {fault.What} ({fault.Process}); the next commit came after {fault.ToCommit:F2} s"));
        }
    }

    private Process Start(bool resumes)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(ThisProgram.File, [.. ThisProgram.Arguments, "train", .. train, "--run", directory.Root, .. resumes ? ["--resume", "auto"] : Array.Empty<string>(), "--json"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            },
        };
        process.OutputDataReceived += (_, line) => _last = line.Data ?? _last;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                if (line.Data is not null) _errors.Enqueue(line.Data);
                if (_errors.Count > ErrorLines) _errors.Dequeue();
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    // However this ends, no process of the run is left, nor stopped.
    private static void End(Process process)
    {
        if (!process.HasExited)
            foreach (var left in RunProcesses.Of(process.Id).SelectMany(role => role)) ChildProcess.Send(left, Kill);
        process.Dispose();
    }

    private LedgerVerdict? Verify()
    {
        try
        {
            return LedgerVerifier.Verify(directory.Ledger);
        }
        catch (BadInputException)
        {
            return null;
        }
    }

    private static string? HashOf(string line)
    {
        try
        {
            using var result = JsonDocument.Parse(line);
            return result.RootElement.TryGetProperty("parameters_sha256", out var hash) ? hash.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

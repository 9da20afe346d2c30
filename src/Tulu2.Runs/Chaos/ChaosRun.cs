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
/// <param name="Missed">Faults that were to come and did not.</param>
/// <param name="Resumes">Times that it was resumed, after its launcher was killed.</param>
internal sealed record ChaosOutcome(
    int Exit, string? ParametersSha256, IReadOnlyList<InjectedFault> Faults, IReadOnlyList<string> Missed, int Resumes, double Seconds, LedgerVerdict? Ledger, string Errors);

/// <summary>Runs <c>train</c> as a user does, in a process of its own, and does to its processes what a schedule says.</summary>
/// <param name="train">The arguments after <c>train</c>, without <c>--run</c>, <c>--resume</c> and <c>--json</c>.</param>
/// <param name="say">Takes a line for each fault.</param>
internal sealed class ChaosRun(IReadOnlyList<string> train, RunDirectory directory, ChaosSchedule schedule, Action<string> say)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5), Turn = TimeSpan.FromMilliseconds(100);
    private const int Stop = 19, Continue = 18, Kill = 9, Terminate = 15;
    private const int ErrorLines = 20;

    // Seconds without a commit.
    private const double Patience = 900;

    private readonly List<InjectedFault> _faults = [];
    private readonly List<(double At, int Signal, int Process, ulong? Started)> _later = [];
    private readonly List<Process> _launchers = [];
    private readonly Queue<string> _errors = new();
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private string _last = "";
    private bool _wasLauncherKilled;

    public async Task<ChaosOutcome> RunAsync(CancellationToken cancellation)
    {
        var (steps, committed, resumes) = (new CommittedSteps(Path.Combine(directory.Ledger, LedgerReader.FileName)), double.NegativeInfinity, 0);
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
                foreach (var due in _later.Where(later => later.At <= now)) Send(due.Signal, due.Process, due.Started);
                _later.RemoveAll(later => later.At <= now);
                if (process.HasExited)
                {
                    if (!_wasLauncherKilled) break;
                    // Its coordinator ends the run in order, at the end of the step, and still writes to its streams.
                    (_wasLauncherKilled, resumes) = (false, resumes + 1);
                    process = Start(resumes: true);
                    say($"{now:F1} s  the run is resumed");
                }
                while (!process.HasExited && schedule.Due(now, steps.Last, committed) is { } index)
                {
                    if (Inject(schedule.Rule(index), process.Id, now, steps.Last)) schedule.Happened(index, now);
                    else schedule.Postpone(index, now);
                }
                // A run that hangs is ended, and has not ended in order.
                if (now - Math.Max(committed, 0) > Patience && !process.HasExited) ChildProcess.Send(process.Id, Kill);
                await Task.Delay(Interval, cancellation);
            }
            // Until its last line is here.
            await process.WaitForExitAsync(cancellation);
            return new ChaosOutcome(process.ExitCode, HashOf(_last), _faults, [.. schedule.Missed], resumes, _time.Elapsed.TotalSeconds, Verify(), string.Join('\n', _errors));
        }
        finally
        {
            End();
        }
    }

    // False: there is no such process, such as a worker while all are being started.
    private bool Inject(ChaosFault fault, int launcher, double now, int step)
    {
        int[] processes = [.. RunProcesses.Of(launcher)[fault.Role]];
        if (processes.Length == 0) return false;
        var process = processes[schedule.OneOf(processes.Length)];
        var started = RunProcesses.StartOf(process);
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
                _later.Add((now + fault.Seconds, Continue, process, started));
                break;
            case ChaosKind.Slow:
                for (var from = 0.0; from < fault.Seconds; from += Turn.TotalSeconds)
                {
                    _later.Add((now + from, Stop, process, started));
                    _later.Add((now + from + fault.Share * Turn.TotalSeconds, Continue, process, started));
                }
                break;
        }
        _faults.Add(new InjectedFault(fault.What, process, now, step, null));
        return true;
    }

    // Its number may be another process's by now.
    private static void Send(int signal, int process, ulong? started)
    {
        if (started is not null && RunProcesses.StartOf(process) == started) ChildProcess.Send(process, signal);
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
        _launchers.Add(process);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    // However this ends, no process of the run is left, nor stopped.
    private void End()
    {
        foreach (var launcher in _launchers)
        {
            foreach (var left in RunProcesses.Of(launcher.Id).SelectMany(role => role)) ChildProcess.Send(left, Kill);
            launcher.Dispose();
        }
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
            return result.RootElement is { ValueKind: JsonValueKind.Object } last && last.TryGetProperty("parameters_sha256", out var hash) ? hash.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

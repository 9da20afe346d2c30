using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Execution;

/// <summary>
/// A process that runs programs, one at a time, each in a sandbox of its own. It ends when its standard input closes, and so when this process ends.
/// Not thread-safe.
/// </summary>
internal sealed class Launcher : IDisposable
{
    private const long MemoryBytes = 512L << 20;

    // Beyond a program's own limit and the launcher's patience with a sandbox: by then the launcher itself hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Stream _input;
    private readonly bool _isolated;

    private Launcher(Process process, bool isolated) => (_process, _input, _isolated) = (process, process.StandardInput.BaseStream, isolated);

    public int ProcessId => _process.Id;

    /// <summary>False: it has ended, and another one has to be started.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <param name="isolated">False: programs have limits and a filter of system calls, but see this machine's files and processes.</param>
    /// <exception cref="BadInputException">The interpreter cannot be started.</exception>
    public static Launcher Start(PythonInterpreter python, bool isolated)
    {
        var start = new ProcessStartInfo(python.Path, ["-s", "-S", "-B", "-c", LauncherSource.Start])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // Of this process' variables, which may hold keys, a program sees none. With the seed, the order of a set is the same each time.
        var libraries = start.Environment.TryGetValue("LD_LIBRARY_PATH", out var given) ? given : null;
        start.Environment.Clear();
        start.Environment["PYTHONHASHSEED"] = "0";
        start.Environment["LC_ALL"] = "C.UTF-8";
        if (libraries is not null) start.Environment["LD_LIBRARY_PATH"] = libraries;
        try
        {
            var launcher = new Launcher(Process.Start(start)!, isolated);
            launcher._process.ErrorDataReceived += (_, _) => { };
            launcher._process.BeginErrorReadLine();
            launcher.Write(LauncherSource.Text);
            return launcher;
        }
        catch (Exception fault) when (fault is Win32Exception or IOException)
        {
            throw new BadInputException(python.Path, $"cannot be started: {FaultText.Of(fault)}",
                $"install python3, or set {PythonInterpreter.Variable} to its path", fault);
        }
    }

    /// <exception cref="SandboxException">The sandbox could not be set up.</exception>
    public CodeOutcome Run(CodeProgram program, CancellationToken cancellation)
    {
        using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        watch.CancelAfter(TimeSpan.FromSeconds(program.Seconds) + Patience);
        using var kill = watch.Token.Register(Kill);
        var line = Ask(program);
        cancellation.ThrowIfCancellationRequested();
        if (line is null)
        {
            IsUsable = false;
            return new CodeOutcome(false, "the sandbox was killed") { End = CodeEnd.Killed };
        }
        using var answer = JsonDocument.Parse(line);
        return Outcome(answer.RootElement.GetProperty("kind").GetString()!, answer.RootElement.GetProperty("detail").GetString()!);
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private string? Ask(CodeProgram program)
    {
        var code = Encoding.UTF8.GetBytes(program.Source);
        var check = JsonSerializer.SerializeToUtf8Bytes(new Check(program.Context, program.Check), JsonLine.Options);
        var header = JsonLine.Of(new Header(_isolated, program.Seconds, MemoryBytes, program.Function, code.Length, check.Length));
        try
        {
            Write([.. Encoding.UTF8.GetBytes(header), (byte)'\n', .. code, .. check]);
            return _process.StandardOutput.ReadLine();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static CodeOutcome Outcome(string kind, string detail) => kind switch
    {
        "passed" => new CodeOutcome(true, "passed"),
        "time" => new CodeOutcome(false, "timed out") { End = CodeEnd.TimedOut },
        "memory" => new CodeOutcome(false, $"out of memory: {detail}") { End = CodeEnd.OutOfMemory },
        "output" => new CodeOutcome(false, $"too much output: {detail}") { End = CodeEnd.OutputLimit },
        "killed" => new CodeOutcome(false, $"killed: {detail}") { End = CodeEnd.Killed },
        "setup" => throw new SandboxException(detail),
        _ => new CodeOutcome(false, $"failed: {detail}"),
    };

    private void Write(byte[] bytes)
    {
        _input.Write(bytes);
        _input.Flush();
    }

    private void Kill()
    {
        IsUsable = false;
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    private sealed record Header(bool Isolated, double Seconds, long Memory, string Entry, int CodeBytes, int CheckBytes);

    private sealed record Check(string Context, string Tests);
}

/// <summary>A sandbox could not be set up; the message names the step and the kernel's answer, as in <c>user namespace (unshare): EPERM</c>.</summary>
internal sealed class SandboxException(string message) : Exception(message);

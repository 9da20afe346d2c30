using System.Diagnostics;
using Tulu2.Evaluation.Execution;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Execution;

public sealed class IsolationTests : IDisposable
{
    // Starts the interpreter where the kernel refuses the system call `unshare`, as a container's filter does.
    private const string Forbidding = """
        #!{python} -S
        import ctypes, os, struct, sys
        unshare = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
        code = b"".join(struct.pack("=HBBI", *step) for step in [(0x20, 0, 0, 0), (0x15, 0, 1, unshare), (6, 0, 0, 0x00050001), (6, 0, 0, 0x7FFF0000)])
        held = ctypes.create_string_buffer(code)
        program = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(held)))
        libc = ctypes.CDLL(None)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, ctypes.c_long(2), ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0
        os.execv("{python}", sys.argv)
        """;

    private static readonly CodeProgram Honest = new("def f():\n    return 1\n", "assert f() == 1", 20) { Function = "f" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("isolation");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Where_namespaces_are_forbidden_programs_are_refused_and_the_error_says_what_to_do()
    {
        using var runner = new CodeRunner(allowUnsafe: false, WithoutNamespaces);
        var refusal = Assert.Throws<BadInputException>(() => runner.Run([Honest], CancellationToken.None));
        Assert.Equal("code execution: programs that a model writes cannot be isolated here (user namespace (unshare): EPERM)", refusal.Message);
        Assert.Contains("--unsafe-code-execution", refusal.Fix, StringComparison.Ordinal);
        Assert.Throws<BadInputException>(() => runner.Prepare());
    }

    [Fact]
    public void By_a_flag_they_run_without_isolation_and_still_have_limits()
    {
        using var runner = new CodeRunner(allowUnsafe: true, WithoutNamespaces);
        Assert.False(runner.Prepare());
        var file = Path.Join(_folder.FullName, "written");
        CodeProgram Program(string body, double seconds = 20) => new($"import os\ndef f():\n    {body}\n", "f()", seconds) { Function = "f" };
        var outcomes = runner.Run(
        [
            Honest, Program("os.fork()"), Program("while True: pass", 1), Program("bytearray(1 << 40)"), Program("while True: print('x' * 1000)"), Program("os._exit(0)"),
            Program($"open('{file}', 'w').write('x')"), Program("os.kill(os.getppid(), 9)"),
        ], CancellationToken.None);
        Assert.Equal(
            [CodeEnd.Passed, CodeEnd.Failed, CodeEnd.TimedOut, CodeEnd.OutOfMemory, CodeEnd.OutputLimit, CodeEnd.Failed, CodeEnd.Failed, CodeEnd.Failed],
            outcomes.Select(outcome => outcome.End));
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void Without_Python_the_error_says_where_it_is_looked_for()
    {
        using var runner = new CodeRunner(allowUnsafe: true, () => new PythonInterpreter(Path.Join(_folder.FullName, "python3"), new Version(3, 11)));
        var fault = Assert.Throws<BadInputException>(() => runner.Run([Honest], CancellationToken.None));
        Assert.Contains("TULU2_PYTHON", fault.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_names_no_function_is_an_error_of_the_caller()
    {
        using var runner = new CodeRunner(allowUnsafe: false);
        Assert.Throws<ArgumentException>(() => runner.Run([Honest with { Function = "" }], CancellationToken.None));
        Assert.Empty(runner.Run([], CancellationToken.None));
    }

    [SkippableFact]
    public void Cancelling_ends_the_programs_that_run()
    {
        using var runner = Isolated();
        using var cancellation = new CancellationTokenSource();
        var endless = new CodeProgram("while True: pass", "f()", 600) { Function = "f" };
        cancellation.CancelAfter(TimeSpan.FromSeconds(1));
        Assert.ThrowsAny<OperationCanceledException>(() => runner.Run([endless, endless, endless], cancellation.Token));
        Assert.True(runner.Run([Honest], CancellationToken.None)[0].Passed);
    }

    [SkippableFact]
    public void Nothing_of_a_program_is_left_when_it_was_stopped()
    {
        Isolated().Dispose();
        using var launcher = Launcher.Start(PythonInterpreter.Find(), isolated: true);
        Assert.Equal(CodeEnd.TimedOut, launcher.Run(new CodeProgram("import time\ntime.sleep(1000)", "f()", 0.5) { Function = "f" }, CancellationToken.None).End);
        Assert.Empty(ChildrenOf(launcher.ProcessId));
    }

    [SkippableFact]
    public void When_the_launcher_is_killed_its_programs_die_with_it()
    {
        Isolated().Dispose();
        var mark = $"{Random.Shared.NextInt64():x16}";
        using var launcher = Launcher.Start(PythonInterpreter.Find(), isolated: true);
        var id = launcher.ProcessId;
        using var cancellation = new CancellationTokenSource();
        var run = Task.Run(() => launcher.Run(new CodeProgram($"import time\nname = '{mark}'\ntime.sleep(1000)", "f()", 600) { Function = "f" }, cancellation.Token));
        Assert.True(SpinWait.SpinUntil(() => Descendants(id).Count >= 4, TimeSpan.FromSeconds(60)), "the sandbox did not come up");
        var processes = Descendants(id);
        Process.GetProcessById(id).Kill();
        Assert.True(SpinWait.SpinUntil(() => processes.TrueForAll(process => !Directory.Exists($"/proc/{process}")), TimeSpan.FromSeconds(60)), "something lives on");
        Assert.True(SpinWait.SpinUntil(() => run.IsCompleted, TimeSpan.FromSeconds(60)));
        Assert.False(launcher.IsUsable);
    }

    private static CodeRunner Isolated()
    {
        var runner = new CodeRunner(allowUnsafe: false);
        try
        {
            runner.Prepare();
        }
        catch (BadInputException refusal)
        {
            Skip.If(true, $"{refusal.Message}; {refusal.Fix}");
        }
        return runner;
    }

    private static List<int> Descendants(int id) => [.. ChildrenOf(id).SelectMany(child => Descendants(child).Append(child))];

    private static IEnumerable<int> ChildrenOf(int id) => Directory.GetDirectories("/proc").Select(Path.GetFileName)
        .Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!)).Where(process => ParentOf(process) == id).ToList();

    // The second field after the name, which is in parentheses and may hold anything.
    private static int ParentOf(int process)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private PythonInterpreter WithoutNamespaces()
    {
        var python = PythonInterpreter.Find();
        var script = Path.Join(_folder.FullName, "python3");
        File.WriteAllText(script, Forbidding.Replace("{python}", python.Path, StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return python with { Path = script };
    }
}

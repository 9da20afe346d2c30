using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Execution;

/// <summary>Tests, by programs that try to get out, whether a launcher isolates programs on this machine.</summary>
internal static class Isolation
{
    public const string UnsafeFlag = "--unsafe-code-execution";

    private const string RestrictedByAppArmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    private const string MostNamespaces = "/proc/sys/user/max_user_namespaces";
    private const double Seconds = 20;

    // What a program can do, as a list of words: none of them may be there.
    private const string Escapes = """
        import os, socket, sys
        def attempt(name, action, done):
            try:
                action()
            except (OSError, RuntimeError):
                return
            done.append(name)
        def escapes():
            done = []
            attempt("open a socket", socket.socket, done)
            attempt("start a process", os.fork, done)
            attempt("signal another process", lambda: os.kill(1, 0), done)
            attempt("write to the root", lambda: open("/written", "w"), done)
            attempt("write to the libraries", lambda: open(os.__file__, "a"), done)
            for path in ("/proc/1", "/sys/kernel", "/home", "/etc/passwd", "/etc/shadow", "/var"):
                attempt("see " + path, lambda: os.stat(path), done)
            attempt("change the user", lambda: os.setuid(0), done)
            return done
        """;

    /// <returns>Why it does not, as the fault of a set-up or of the test; null: it does.</returns>
    public static string? Test(Func<Launcher> start, CancellationToken cancellation)
    {
        using var launcher = start();
        try
        {
            var plain = launcher.Run(new CodeProgram("def one():\n    return 1\n", "assert one() == 1", Seconds) { Function = "one" }, cancellation);
            if (!plain.Passed) return $"a program that does nothing wrong {plain.Why}";
            var escape = new CodeProgram(Escapes, "found = escapes()\nassert not found, 'a program can ' + ', '.join(found)", Seconds) { Function = "escapes" };
            var escaping = launcher.Run(escape, cancellation);
            return escaping.Passed ? null : escaping.Why;
        }
        catch (SandboxException fault)
        {
            return fault.Message;
        }
    }

    public static BadInputException Refusal(string fault) => new("code execution", $"programs that a model writes cannot be isolated here ({fault})",
        $"{Cure()}, or run it on another machine; {UnsafeFlag} runs them without isolation: they then see the files and processes that you do");

    private static string Cure()
    {
        if (Value(RestrictedByAppArmor) == "1")
            return "allow user namespaces: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`";
        if (Value(MostNamespaces) == "0") return "allow user namespaces: `sudo sysctl -w user.max_user_namespaces=10000`";
        if (File.Exists("/.dockerenv") || File.Exists("/run/.containerenv"))
            return "start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`, "
                + "or a profile that allows user namespaces and mounts in them";
        return "use Linux 5.12 or later on x86-64 or arm64 with user namespaces and seccomp";
    }

    private static string? Value(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

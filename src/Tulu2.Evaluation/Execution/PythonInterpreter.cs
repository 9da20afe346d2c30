using System.ComponentModel;
using System.Diagnostics;
using Tulu2.Files;

namespace Tulu2.Evaluation.Execution;

/// <summary>The Python interpreter that runs programs: <c>TULU2_PYTHON</c>, or else the first <c>python3</c> of <c>PATH</c> that is recent enough.</summary>
/// <param name="Path">The program itself, not a script that starts it.</param>
/// <param name="Version">As in 3.11.</param>
internal sealed record PythonInterpreter(string Path, Version Version)
{
    public const string Variable = "TULU2_PYTHON";

    private const string Query = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";

    private static readonly Version Oldest = new(3, 8);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <exception cref="BadInputException">There is none, or the one that is named cannot be used.</exception>
    public static PythonInterpreter Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return Ask(named) is { } given && given.Version >= Oldest
                ? given
                : throw new BadInputException(Variable, $"{named} is not Python {Oldest} or later", "give the path of a python3");
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Append("/usr/bin").Select(folder => System.IO.Path.Combine(folder, "python3")).Where(File.Exists).Distinct().Select(Ask)
            .FirstOrDefault(found => found is not null && found.Version >= Oldest)
            ?? throw new BadInputException("python3", $"is not on PATH in version {Oldest} or later, and programs are run by it",
                $"install python3, or set {Variable} to its path");
    }

    /// <summary>What a program says of itself; null: it is no Python.</summary>
    private static PythonInterpreter? Ask(string path)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, ["-s", "-S", "-B", "-c", Query])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = "/",
            })!;
            process.StandardInput.Close();
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            using var watch = new CancellationTokenSource(Patience);
            using var kill = watch.Token.Register(process.Kill);
            var lines = process.StandardOutput.ReadToEnd().Split('\n');
            process.WaitForExit();
            return process.ExitCode == 0 && lines.Length > 1 && Version.TryParse(lines[1], out var version) ? new PythonInterpreter(lines[0], version) : null;
        }
        catch (Exception fault) when (fault is Win32Exception or IOException or InvalidOperationException)
        {
            return null;
        }
    }
}

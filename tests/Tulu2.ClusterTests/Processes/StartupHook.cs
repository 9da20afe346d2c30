using System.Diagnostics.CodeAnalysis;

/// <summary>Makes a process of the product load this assembly: the runtime calls it where <c>DOTNET_STARTUP_HOOKS</c> names the file.</summary>
[SuppressMessage("Design", "CA1050", Justification = "the runtime looks for it without a namespace")]
internal static class StartupHook
{
    /// <summary>An environment variable: the folder in which each process writes at its end, a line each, its command and whether it has loaded libtorch.</summary>
    public const string LibraryFolder = "TULU2_TEST_LIBRARIES";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(LibraryFolder) is not { } folder) return;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            var command = Environment.GetCommandLineArgs().Skip(1).FirstOrDefault() ?? "";
            var loaded = File.ReadAllText("/proc/self/maps").Contains("libtorch", StringComparison.OrdinalIgnoreCase);
            File.WriteAllLines(Path.Combine(folder, $"{Environment.ProcessId}"), [command, $"{loaded}"]);
        };
    }
}

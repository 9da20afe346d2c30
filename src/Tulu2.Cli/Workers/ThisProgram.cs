namespace Tulu2.Cli.Workers;

/// <summary>How to start this program once more: by its own executable, or by <c>dotnet</c> with its assembly.</summary>
internal static class ThisProgram
{
    private static readonly string Assembly = typeof(ThisProgram).Assembly.Location;

    private static bool IsOwnExecutable =>
        Assembly.Length == 0 || Path.GetFileNameWithoutExtension(Environment.ProcessPath) == Path.GetFileNameWithoutExtension(Assembly);

    public static string File => IsOwnExecutable ? Environment.ProcessPath! : Host;

    public static IReadOnlyList<string> Arguments => IsOwnExecutable ? [] : [Assembly];

    // Within another host (a test runner) the same runtime starts the assembly.
    private static string Host => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
}

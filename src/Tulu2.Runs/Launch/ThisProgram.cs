using Tulu2.Runs.Output;

namespace Tulu2.Runs.Launch;

/// <summary>Starts this program again: by its own executable, or by <c>dotnet</c> with its assembly.</summary>
internal static class ThisProgram
{
    private const string Name = "tulu2";

    // The program is next to this library; empty in a single-file build.
    private static readonly string Assembly = typeof(ThisProgram).Assembly.Location is { Length: > 0 } library
        ? Path.Combine(Path.GetDirectoryName(library)!, $"{Name}.dll")
        : "";

    private static bool IsOwnExecutable =>
        Assembly.Length == 0 || Path.GetFileNameWithoutExtension(Environment.ProcessPath) == Name;

    public static string File => IsOwnExecutable ? Environment.ProcessPath! : Host;

    public static IReadOnlyList<string> Arguments => IsOwnExecutable ? [] : [Assembly];

    /// <summary>A command line of this program that can be pasted into a shell in any directory.</summary>
    public static string Command(params IEnumerable<string> arguments) => string.Join(' ', Start().Concat(arguments).Select(CommandText.Quoted));

    private static IEnumerable<string> Start()
    {
        if (!IsOwnExecutable) return [Path.GetFileNameWithoutExtension(File), Assembly];
        var name = Path.GetFileName(File);
        var first = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(System.IO.File.Exists);
        return [first == File ? name : File];
    }

    // In another host, such as a test runner, the same runtime starts the assembly.
    private static string Host => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
}

using System.Text;

namespace Tulu2.Evaluation.Execution;

/// <summary>
/// The Python text that an interpreter becomes a launcher by: it makes the sandboxes, since a .NET process, which has threads, cannot enter a user namespace.
/// </summary>
internal static class LauncherSource
{
    private static readonly string[] Parts = ["kernel", "filter", "jail", "values", "program", "check", "keeper", "launcher"];

    public static byte[] Text { get; } = Encoding.UTF8.GetBytes(string.Concat(Parts.Select(part => Read($"launcher/{part}") + "\n")));

    /// <summary>
    /// Given with <c>-c</c>: reads <see cref="Text"/> from standard input and runs it, before any module can come from another folder than Python's own.
    /// </summary>
    public static string Start { get; } = $"""
        import sys
        sys.path[:] = [path for path in sys.path if path]
        import os
        text = b""
        while len(text) < {Text.Length}:
            part = os.read(0, {Text.Length} - len(text))
            if not part:
                sys.exit(1)
            text += part
        exec(compile(text, "<tulu2 launcher>", "exec"))
        """;

    private static string Read(string name)
    {
        using var stream = typeof(LauncherSource).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"no resource {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

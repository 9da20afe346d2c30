using Xunit;

namespace Tulu2.Tests;

/// <summary>The folder of real input files: <c>TULU2_DATA</c>, else <c>../shared/data</c> beside the repository. Tests that need a file it lacks are skipped by name.</summary>
internal static class ReferenceData
{
    private static readonly string Root = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    public static bool Exists(params string[] parts) => File.Exists(Path(parts)) || Directory.Exists(Path(parts));

    /// <summary>Skips the test unless the file or folder is there; returns its path.</summary>
    public static string Require(params string[] parts)
    {
        Skip.IfNot(Exists(parts), $"{System.IO.Path.Combine(parts)} is not in {Root} (set TULU2_DATA)");
        return Path(parts);
    }

    private static string Find() =>
        Environment.GetEnvironmentVariable("TULU2_DATA") is { Length: > 0 } given ? System.IO.Path.GetFullPath(given)
            : System.IO.Path.GetFullPath(System.IO.Path.Combine(Checkout.Root, "..", "shared", "data"));
}

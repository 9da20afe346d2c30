namespace Tulu2.Tests;

/// <summary>Files of the checkout that the tests were built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    /// <summary>Source files under a folder, without what a build leaves there.</summary>
    public static IEnumerable<string> Sources(params string[] folder) => Directory.EnumerateFiles(Path(folder), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Tulu2Actors.sln")))
                return folder.FullName;
        throw new DirectoryNotFoundException("no folder above the tests has Tulu2Actors.sln");
    }
}

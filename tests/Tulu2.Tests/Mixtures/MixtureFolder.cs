using System.IO.Compression;
using System.Text;
using Tulu2.Mixtures.Building;

namespace Tulu2.Tests.Mixtures;

/// <summary>A folder with inputs and a mixture of a test's own, gone with it.</summary>
internal sealed class MixtureFolder : IDisposable
{
    private readonly Data.TemporaryFolder _folder = new();

    public string Root => _folder.Root;

    public string Write(string name, string text) => _folder.Write(name, text);

    public string To(string name) => _folder.File(name);

    /// <summary>Builds the mixture of a YAML text whose inputs lie in the folder.</summary>
    public MixtureBuild Build(string recipe, string to = "out", int threads = 2, Action<BuildProgress>? report = null, params string[] arguments)
    {
        var file = Write("mixture.yaml", recipe);
        return new MixtureBuilder(new MixtureRequest(file, arguments, To(to), threads), report).Run(CancellationToken.None);
    }

    /// <summary>All rows, as lines.</summary>
    public string[] Rows(string to = "out") => [.. Directory.GetFiles(To(to), "train-*.gz").Order(StringComparer.Ordinal).SelectMany(Lines)];

    public string[] Lines(string to, string name) => File.ReadAllLines(Path.Combine(To(to), name));

    /// <summary>Names and contents of every file of a mixture.</summary>
    public Dictionary<string, byte[]> Bytes(string to) =>
        Directory.GetFiles(To(to), "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(To(to), file), File.ReadAllBytes);

    public void Dispose() => _folder.Dispose();

    private static string[] Lines(string file)
    {
        using var unpacked = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress), Encoding.UTF8);
        return unpacked.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}

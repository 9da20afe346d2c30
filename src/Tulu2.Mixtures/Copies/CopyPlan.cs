using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Mixtures.Copies;

/// <summary>Files that are copied to one file.</summary>
internal sealed record PlannedCopy(string Path, IReadOnlyList<DataFile> Files)
{
    public IKeptRows Open(Stream stream) => Path.EndsWith(CopyPlan.Parquet, StringComparison.OrdinalIgnoreCase) ? new ParquetCopy(stream)
        : new JsonLinesCopy(stream, packed: Path.EndsWith(CopyPlan.Gzip, StringComparison.OrdinalIgnoreCase));
}

/// <summary>
/// Where rows go: to one file, if the path has the ending of one, otherwise to a directory with a file for each. Parquet stays Parquet, since JSON has not all
/// of its types; everything else becomes JSON Lines.
/// </summary>
internal static class CopyPlan
{
    public const string Parquet = ".parquet", Gzip = ".gz";

    private const string Lines = ".jsonl", PackedLines = Lines + Gzip;

    private static readonly string[] Endings = [Gzip, ".zst", Lines, ".ndjson", ".json", Parquet];

    /// <exception cref="BadInputException">The path does not suit the files.</exception>
    public static IReadOnlyList<PlannedCopy> Of(string to, IReadOnlyList<DataFile> files)
    {
        var full = Path.GetFullPath(FilePatterns.Home(to));
        IReadOnlyList<PlannedCopy> copies = IsFile(full) ? [OneFile(to, full, files)] : [.. files.Select(file => new PlannedCopy(InFolder(full, file), [file]))];
        if (File.Exists(full) && !IsFile(full))
            throw new BadInputException($"--to {to}", "is a file", $"name a directory, or a file that ends in {PackedLines} or {Parquet}");
        if (copies.GroupBy(copy => copy.Path).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new BadInputException($"--to {to}", $"{twice.First().Files[0].Path} and {twice.Last().Files[0].Path} would both become {twice.Key}",
                "give them one at a time, with a directory each");
        return copies;
    }

    /// <exception cref="BadInputException">A path that is to be written is one of those that are <paramref name="taken"/>.</exception>
    /// <param name="taken">Full paths.</param>
    /// <param name="what">What these are, after "is one of the files that".</param>
    public static void Refuse(IEnumerable<string> written, IReadOnlyCollection<string> taken, string where, string what)
    {
        if (written.FirstOrDefault(taken.Contains) is { } own) throw new BadInputException(where, $"{own} is one of the files that {what}", "name another path");
    }

    private static bool IsFile(string path) =>
        !Directory.Exists(path) && new[] { Lines, PackedLines, Parquet }.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static PlannedCopy OneFile(string to, string full, IReadOnlyList<DataFile> files)
    {
        var parquet = full.EndsWith(Parquet, StringComparison.OrdinalIgnoreCase);
        if (files.FirstOrDefault(file => IsParquet(file) != parquet) is { } other)
            throw new BadInputException($"--to {to}", parquet ? $"{other.Path} is not Parquet" : $"{other.Path} is Parquet, with types that JSON does not have",
                $"name a file that ends in {(parquet ? PackedLines : Parquet)}, or a directory, which takes both");
        if (files.Count > 1 && (parquet || files.Select(file => RowFormats.Of(file)).Distinct().Count() > 1))
            throw new BadInputException($"--to {to}", parquet ? "one Parquet file cannot take several" : "the files are of several forms, and a file has rows of one form only",
                "name a directory, which gets a file for each");
        return new PlannedCopy(full, files);
    }

    private static string InFolder(string folder, DataFile file)
    {
        var name = Path.GetFileName(file.Path);
        while (Endings.FirstOrDefault(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase) && name.Length > ending.Length) is { } ending)
            name = name[..^ending.Length];
        return Path.Combine(folder, name + (IsParquet(file) ? Parquet : PackedLines));
    }

    private static bool IsParquet(DataFile file) => RecordReader.IsParquet(RecordFile.Unexamined(file.Path));
}

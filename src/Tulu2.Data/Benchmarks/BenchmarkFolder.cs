using System.Text;
using System.Text.Json;
using CsvHelper;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Data.Benchmarks;

/// <summary>The folder of one benchmark. Each of its files may be plain, or packed by gzip or Zstandard with <c>.gz</c> or <c>.zst</c> after its name.</summary>
/// <param name="root">The folder that has the benchmarks' folders.</param>
/// <param name="benchmark">The benchmark's name.</param>
internal sealed class BenchmarkFolder(string root, string benchmark)
{
    private const string Restore = "put the benchmark's file there, or name by --data the folder that the benchmarks' folders are in";

    private static readonly CsvReaderOptions Csv = new() { HasHeader = false, Separator = ',', TrackLineNumbers = true };
    private static readonly string[] Packings = ["", ".gz", ".zst"];

    private readonly string _path = System.IO.Path.Combine(root, benchmark);

    /// <summary>A benchmark's own folder, or the root that has it among others.</summary>
    /// <param name="part">A file or folder that the benchmark's own folder has, which tells the two apart.</param>
    public static BenchmarkFolder At(string path, string benchmark, string part)
    {
        var own = new BenchmarkFolder(path, "") { Name = benchmark };
        var inner = new BenchmarkFolder(path, benchmark);
        return own.Has(part) || !(inner.Has(part) || Directory.Exists(System.IO.Path.Combine(path, benchmark))) ? own : inner;
    }

    /// <summary>The benchmark's name, for messages.</summary>
    public string Name { get; private init; } = benchmark;

    public string Path => _path;

    /// <summary>There is a file, packed or not, or a folder of that name.</summary>
    public bool Has(string name) => Directory.Exists(PathOf(name)) || Packings.Any(packing => File.Exists(PathOf(name) + packing));

    /// <summary>A file's path as it is there.</summary>
    /// <exception cref="BadInputException">There is no such file.</exception>
    public string PathTo(string name) => Find(name);

    /// <summary>Names, without packings and without the suffix, of the files in a folder whose names end so; in ordinal order.</summary>
    /// <exception cref="BadInputException">There is no such folder, or it has no such file.</exception>
    public IReadOnlyList<string> Names(string folder, string suffix)
    {
        var path = PathOf(folder);
        if (!Directory.Exists(path)) throw new BadInputException(path, $"no such folder: items of {Name} are read from it", Restore);
        var names = Directory.EnumerateFiles(path).Select(file => Unpacked(System.IO.Path.GetFileName(file))).Where(name => name.EndsWith(suffix, StringComparison.Ordinal))
            .Select(name => name[..^suffix.Length]).Distinct().Order(StringComparer.Ordinal).ToList();
        return names.Count > 0 ? names : throw new BadInputException(path, $"has no file whose name ends in {suffix}", Restore);
    }

    /// <summary>Records of a file of JSON Lines or of a JSON array. Empty lines are no records.</summary>
    public IEnumerable<BenchmarkRecord> Records(string name)
    {
        var path = Find(name);
        foreach (var record in RecordReader.Open(path, new RecordColumns([], "")))
        {
            if (record.Fault == JsonRecords.EmptyLine) continue;
            if (record.Fault is { } fault) throw NotTheBenchmarks($"{path}:{record.Line}", fault);
            yield return new BenchmarkRecord(record.Element, record.Line, $"{path}:{record.Line}");
        }
    }

    /// <summary>A file that is one JSON object.</summary>
    /// <param name="document">To be disposed of.</param>
    public BenchmarkRecord Object(string name, out JsonDocument document)
    {
        var path = Find(name);
        using var bytes = new MemoryStream();
        using (var stream = Open(path)) Unpacked(path, () => stream.CopyTo(bytes));
        document = JsonFile.Parse(path, bytes.ToArray());
        return new BenchmarkRecord(document.RootElement, 1, path);
    }

    /// <summary>Rows of a file of comma-separated values, with their numbers from 1 and the lines that they begin on. Empty lines are no rows.</summary>
    /// <param name="columns">Least number of values of each row.</param>
    public IEnumerable<(int Number, long Line, string[] Values)> Table(string name, int columns)
    {
        var path = Find(name);
        using var table = CsvReader.Create(Open(path), Csv, leaveOpen: false);
        for (var number = 1; Unpacked(path, table.Read);)
        {
            if (table.FieldCount == 1 && string.IsNullOrWhiteSpace(table.GetString(0))) continue;
            if (table.FieldCount < columns)
                throw NotTheBenchmarks($"{path}:{table.LineNumber}", $"has {NumberText.Count(table.FieldCount, "value")}, and {columns} are wanted");
            yield return (number++, table.LineNumber, [.. Enumerable.Range(0, table.FieldCount).Select(table.GetString)]);
        }
    }

    /// <summary>Lines of a text, which a line feed ends, with their numbers from 1.</summary>
    public IEnumerable<(int Number, string Line)> Lines(string name)
    {
        var path = Find(name);
        using var reader = new StreamReader(Open(path), Encoding.UTF8);
        var lines = Unpacked(path, reader.ReadToEnd).Split('\n');
        for (var at = 0; at < lines.Length; at++)
            if (lines[at].Trim().Length > 0) yield return (at + 1, lines[at]);
    }

    /// <summary>A whole text, with line feeds for all ends of lines, as Python reads it.</summary>
    public string Text(string name)
    {
        var path = Find(name);
        using var reader = new StreamReader(Open(path), Encoding.UTF8);
        return Unpacked(path, reader.ReadToEnd).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
    }

    /// <summary>The header of a table is not the one of this benchmark's file.</summary>
    public BadInputException WrongColumns(string name, IEnumerable<string> wanted) =>
        NotTheBenchmarks($"{Find(name)}:1", $"does not have the columns {string.Join(", ", wanted)}");

    private static BadInputException NotTheBenchmarks(string where, string what) => new(where, what, "fetch the benchmark's file again");

    private string Find(string name)
    {
        var path = PathOf(name);
        return Packings.Select(packing => path + packing).FirstOrDefault(File.Exists)
            ?? throw new BadInputException(path, $"no such file, nor with .gz or .zst after its name: items of {Name} are read from it", Restore);
    }

    private string PathOf(string name) => System.IO.Path.Combine([_path, .. name.Split('/')]);

    private static string Unpacked(string name) => Packings.FirstOrDefault(packing => packing.Length > 0 && name.EndsWith(packing, StringComparison.Ordinal)) is { } packing
        ? name[..^packing.Length] : name;

    private static Stream Open(string path)
    {
        var packing = System.IO.Path.GetExtension(path) switch { ".gz" => FilePacking.Gzip, ".zst" => FilePacking.Zstandard, _ => FilePacking.None };
        return new RecordFile(path, packing, long.MaxValue, null).Open();
    }

    private static void Unpacked(string path, Action read) => Unpacked(path, () =>
    {
        read();
        return true;
    });

    private static T Unpacked<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (PackedDamageException damage)
        {
            throw NotTheBenchmarks(path, damage.Message);
        }
        catch (CsvFormatException fault)
        {
            throw NotTheBenchmarks($"{path}:{fault.LineNumber}", fault.Message);
        }
    }
}

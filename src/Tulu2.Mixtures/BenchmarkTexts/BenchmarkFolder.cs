using System.Text;
using System.Text.Json;
using CsvHelper;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Mixtures.BenchmarkTexts;

/// <summary>The folder of one benchmark. Each of its files may be plain, or packed by gzip or Zstandard with <c>.gz</c> or <c>.zst</c> after its name.</summary>
/// <param name="root">The folder that has the benchmarks' folders.</param>
/// <param name="benchmark">The benchmark's name.</param>
internal sealed class BenchmarkFolder(string root, string benchmark)
{
    private static readonly CsvReaderOptions Csv = new() { HasHeader = false, Separator = ',', TrackLineNumbers = true };
    private static readonly string[] Packings = ["", ".gz", ".zst"];

    /// <summary>Records of a file of JSON Lines or of a JSON array.</summary>
    public IEnumerable<BenchmarkRecord> Records(string name)
    {
        var path = Find(name);
        foreach (var record in RecordReader.Open(path, new RecordColumns([], "")))
        {
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

    /// <summary>Rows of a file of comma-separated values, with their numbers from 1.</summary>
    /// <param name="columns">Least number of values of each row.</param>
    public IEnumerable<(int Number, string[] Values)> Table(string name, int columns)
    {
        var path = Find(name);
        using var table = CsvReader.Create(Open(path), Csv, leaveOpen: false);
        for (var number = 1; Unpacked(path, table.Read); number++)
        {
            if (table.FieldCount < columns)
                throw NotTheBenchmarks($"{path}:{table.LineNumber}", $"has {NumberText.Count(table.FieldCount, "value")}, and {columns} are wanted");
            yield return (number, [.. Enumerable.Range(0, table.FieldCount).Select(table.GetString)]);
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

    /// <summary>The header of a table is not the one of this benchmark's file.</summary>
    public BadInputException WrongColumns(string name, IEnumerable<string> wanted) =>
        NotTheBenchmarks($"{Find(name)}:1", $"does not have the columns {string.Join(", ", wanted)}");

    private static BadInputException NotTheBenchmarks(string where, string what) => new(where, what, "fetch the benchmark's file again");

    private string Find(string name)
    {
        var path = Path.Combine([root, benchmark, .. name.Split('/')]);
        return Packings.Select(packing => path + packing).FirstOrDefault(File.Exists)
            ?? throw new BadInputException(path, $"no such file, nor with .gz or .zst after its name: items of {benchmark} are read from it",
                "put the benchmark's file there, or name by --data the folder that the benchmarks' folders are in");
    }

    private static Stream Open(string path)
    {
        var packing = Path.GetExtension(path) switch { ".gz" => FilePacking.Gzip, ".zst" => FilePacking.Zstandard, _ => FilePacking.None };
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

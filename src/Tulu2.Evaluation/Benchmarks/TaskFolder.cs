using System.IO.Compression;
using System.Text;
using CsvHelper;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>The folder of one benchmark's data, as its authors ship it; each file may be packed by gzip, with <c>.gz</c> after its name.</summary>
internal sealed class TaskFolder
{
    private const string Again = "fetch the benchmark's file again";

    private readonly string _path;
    private readonly string _benchmark;

    /// <param name="path">The folder, or the root that has the folders of all benchmarks.</param>
    /// <param name="benchmark">Name of the folder under the root.</param>
    public TaskFolder(string path, string benchmark)
    {
        var inner = Path.Combine(path, benchmark);
        (_path, _benchmark) = (Directory.Exists(inner) ? inner : path, benchmark);
    }

    /// <summary>Path of a file, with <c>.gz</c> where it is packed; null: it is not there.</summary>
    public string? Find(string name) => ((string[])["", ".gz"]).Select(packing => Path.Combine(_path, name + packing)).FirstOrDefault(File.Exists);

    /// <exception cref="BadInputException">There is no such file.</exception>
    public string Require(string name) => Find(name) ?? throw new BadInputException(
        Path.Combine(_path, name), $"no such file, nor with .gz after its name: items of {_benchmark} are read from it",
        "put the benchmark's file there, or name the folder that the benchmarks' folders are in");

    /// <summary>All lines of a text, whatever ends them.</summary>
    /// <exception cref="BadInputException">The file is damaged.</exception>
    public static IReadOnlyList<string> Lines(string path)
    {
        using var reader = new StreamReader(Open(path), Encoding.UTF8);
        var lines = new List<string>();
        Whole(path, () =>
        {
            while (reader.ReadLine() is { } line) lines.Add(line);
        });
        return lines;
    }

    /// <summary>Rows of a file of comma-separated values whose first row names the columns.</summary>
    /// <returns>For each row its line and the wanted columns' values, in their order.</returns>
    /// <exception cref="BadInputException">The file is damaged, or lacks a column.</exception>
    public static IReadOnlyList<(int Line, string[] Values)> Table(string path, params string[] columns)
    {
        var rows = new List<(int, string[])>();
        Whole(path, () =>
        {
            using var table = CsvReader.Create(Open(path), new CsvReaderOptions { HasHeader = false, Separator = ',', TrackLineNumbers = true },
                leaveOpen: false);
            int[]? places = null;
            while (table.Read())
            {
                var values = Enumerable.Range(0, table.FieldCount).Select(table.GetString).ToArray();
                if (places is not null)
                {
                    if (places.FirstOrDefault(place => place >= values.Length, -1) >= 0)
                        throw new BadInputException($"{path}:{table.LineNumber}",
                            $"has {NumberText.Count(values.Length, "value")}, fewer than the first line has columns", Again);
                    rows.Add(((int)table.LineNumber, [.. places.Select(place => values[place])]));
                    continue;
                }
                places = [.. columns.Select(column => Array.FindIndex(values, value => value.TrimStart('\uFEFF') == column))];
                if (places.Contains(-1)) throw new BadInputException($"{path}:1", $"does not have the columns {string.Join(", ", columns)}", Again);
            }
        });
        return rows;
    }

    private static Stream Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    private static void Whole(string path, Action read)
    {
        try
        {
            read();
        }
        catch (InvalidDataException damage)
        {
            throw new BadInputException(path, $"is damaged: {FaultText.Of(damage)}", Again, damage);
        }
        catch (CsvFormatException fault)
        {
            throw new BadInputException($"{path}:{fault.LineNumber}", FaultText.Of(fault), Again, fault);
        }
    }
}

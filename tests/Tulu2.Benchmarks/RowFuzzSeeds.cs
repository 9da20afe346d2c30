using System.IO.Compression;
using System.Text.Json;
using ParquetSharp;
using Encoding = System.Text.Encoding;

namespace Tulu2.Benchmarks;

/// <summary>A sound file of rows.</summary>
/// <param name="Rows">The answers of its rows, in order; every one is another.</param>
/// <param name="Ends">Lengths at which a cut leaves a sound shorter file, that nobody can tell from one that was written so.</param>
/// <param name="Checked">A checksum covers every byte that rows are made of.</param>
internal sealed record RowFuzzSeed(string Name, byte[] Bytes, IReadOnlyList<string> Rows, IReadOnlySet<int> Ends, bool Checked);

/// <summary>The files that fuzzing starts from; the same ones each time.</summary>
internal static class RowFuzzSeeds
{
    private const int Rows = 24;
    private static readonly string[] Words = "red green blue small large round heavy quick north south apple river stone seven eight nine".Split(' ');

    public static IReadOnlyList<RowFuzzSeed> Gzip()
    {
        var (lines, answers) = Lines();
        var text = string.Concat(lines);
        byte[] first = Pack(string.Concat(lines[..9])), second = Pack(string.Concat(lines[9..17])), third = Pack(string.Concat(lines[17..]));
        byte[] several = [.. first, .. second, .. third];
        var whole = Pack(text);
        var array = Pack($"[{string.Join(",\n", lines.Select(line => line.TrimEnd()))}]");
        return
        [
            new("single.jsonl.gz", whole, answers, Set(whole.Length), true),
            new("several.jsonl.gz", several, answers, Set(first.Length, first.Length + second.Length, several.Length), true),
            new("padded.jsonl.gz", [.. first, .. second, .. third, .. new byte[512]], answers,
                Set([first.Length, first.Length + second.Length, .. Enumerable.Range(several.Length, 513)]), true),
            new("array.json.gz", array, answers, Set(array.Length), true),
        ];
    }

    public static IReadOnlyList<RowFuzzSeed> Json()
    {
        var (lines, answers) = Lines();
        var text = Encoding.UTF8.GetBytes(string.Concat(lines));
        var ends = new HashSet<int>();
        var at = 0;
        foreach (var line in lines)
        {
            // Without its line feed a line is whole as well.
            at += Encoding.UTF8.GetByteCount(line);
            ends.Add(at);
            ends.Add(at - 1);
        }
        var array = Encoding.UTF8.GetBytes($"[{string.Join(",\n", lines.Select(line => line.TrimEnd()))}]\n");
        return [new("rows.jsonl", text, answers, ends, false), new("rows.json", array, answers, Set(array.Length - 1, array.Length), false)];
    }

    public static IReadOnlyList<RowFuzzSeed> Parquet()
    {
        var (lines, answers) = Lines();
        var rows = lines.Select(line =>
        {
            using var document = JsonDocument.Parse(line.Replace("NaN", "null", StringComparison.Ordinal));
            IReadOnlyList<(string, string?)> turns = [.. document.RootElement.GetProperty("messages").EnumerateArray()
                .Select(turn => (turn.GetProperty("role").GetString()!, turn.GetProperty("content").GetString()))];
            return turns;
        }).ToList();
        var ids = ParquetSamples.Texts("id", Enumerable.Range(0, Rows).Select(row => $"r{row}"));
        (Apache.Arrow.Field, Apache.Arrow.IArrowArray)[] columns =
            [ids, ParquetSamples.Messages(rows), ParquetSamples.Numbers("score", Enumerable.Repeat(double.NaN, Rows)), ParquetSamples.Maps("tags", Rows)];
        return
        [
            Seed("v1.parquet", ParquetSamples.Write(columns, groupRows: 10, compression: Compression.Uncompressed)),
            Seed("v2.parquet", ParquetSamples.Write(columns, ParquetDataPageVersion.V2, ParquetSharp.Encoding.DeltaByteArray, Compression.Zstd, 10, checksums: true)),
            Seed("gzip.parquet", ParquetSamples.Write(columns, compression: Compression.Gzip, checksums: true)),
        ];

        RowFuzzSeed Seed(string name, byte[] bytes) => new(name, bytes, answers, Set(bytes.Length), false);
    }

    private static (string[] Lines, string[] Answers) Lines()
    {
        var random = new Random(7);
        string Say(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => Words[random.Next(Words.Length)]));
        var answers = Enumerable.Range(0, Rows).Select(row => $"{Say(8)} ü{row}").ToArray();
        // NaN stands in a field that no row is made of, as Python writes it.
        var lines = answers.Select((answer, row) => JsonSerializer.Serialize(new
        {
            id = $"r{row}",
            score = "NUMBER",
            messages = new[] { new { role = "user", content = Say(5) }, new { role = "assistant", content = answer } },
        }).Replace("\"NUMBER\"", row % 3 == 0 ? "NaN" : "1.5", StringComparison.Ordinal) + "\n").ToArray();
        return (lines, answers);
    }

    private static byte[] Pack(string text)
    {
        var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Optimal, leaveOpen: true)) zip.Write(Encoding.UTF8.GetBytes(text));
        return memory.ToArray();
    }

    private static HashSet<int> Set(params IEnumerable<int> values) => [.. values];
}

using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Xunit;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Mixtures.Building;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class MixtureBuilderTests
{
    private const string Recipe = """
        shards: 3
        filters: [other_models]
        deduplicate: exact
        sources:
          - { name: asked, converter: alpaca, files: [asked.jsonl], sample: 1100 }
          - { name: told, converter: flan, files: [told.jsonl], weight: 1.5 }
        """;

    private static readonly JsonSerializerOptions Plain = new();

    private sealed class Killed : Exception;

    [Fact]
    public void The_bytes_do_not_depend_on_the_number_of_threads()
    {
        using var folder = Inputs();
        folder.Build(Recipe, "one", threads: 1);
        folder.Build(Recipe, "three", threads: 3);
        Same(folder, "one", "three");
        Assert.Equal(6, folder.Bytes("one").Count);
    }

    [Fact]
    public void A_build_that_is_stopped_anywhere_ends_with_the_same_bytes()
    {
        using var folder = Inputs();
        var reports = 0;
        folder.Build(Recipe, "whole", threads: 1, _ => reports++);
        Assert.True(reports > 8);
        for (var stop = 0; stop < reports; stop++)
        {
            Stopped(folder, "stopped", stop);
            folder.Build(Recipe, "stopped");
            Same(folder, "whole", "stopped");
            Directory.Delete(folder.To("stopped"), recursive: true);
        }
    }

    [Property(MaxTest = 5)]
    public void A_build_that_is_stopped_several_times_ends_with_the_same_bytes(byte[] stops)
    {
        using var folder = Inputs();
        folder.Build(Recipe, "whole");
        foreach (var stop in stops.Take(6)) Stopped(folder, "stopped", stop % 7);
        folder.Build(Recipe, "stopped");
        Same(folder, "whole", "stopped");
    }

    [Fact]
    public void A_segment_that_was_damaged_is_made_again()
    {
        using var folder = Inputs();
        folder.Build(Recipe, "whole");
        Stopped(folder, "stopped", 5);
        var segment = Directory.GetFiles(folder.To("stopped/.build/segments"), "*.segment").Order().First();
        var bytes = File.ReadAllBytes(segment);
        bytes[^20] ^= 1;
        File.WriteAllBytes(segment, bytes);
        folder.Build(Recipe, "stopped");
        Same(folder, "whole", "stopped");
    }

    [Fact]
    public void Shards_have_equal_numbers_of_rows_and_hashes_in_the_manifest()
    {
        using var folder = Inputs();
        var built = folder.Build(Recipe);
        Assert.Equal(built.Rows, folder.Rows().Length);
        Assert.True(built.Shards.Max(shard => shard.Rows) - built.Shards.Min(shard => shard.Rows) <= 1);
        var manifest = JsonNode.Parse(File.ReadAllText(folder.To("out/manifest.json")))!;
        foreach (var shard in manifest["shards"]!.AsArray())
            Assert.Equal(ContentHash.OfFile(folder.To($"out/{shard!["file"]}")), shard["sha256"]!.ToString());
        var file = manifest["sources"]![0]!["files"]![0]!;
        Assert.Equal(("asked.jsonl", 1300), (file["path"]!.ToString(), (int)file["records"]!));
        Assert.Equal(ContentHash.OfFile(folder.To("asked.jsonl")), file["sha256"]!.ToString());
        Assert.DoesNotContain(folder.Root, File.ReadAllText(folder.To("out/manifest.json")));
        Assert.False(Directory.Exists(folder.To("out/.build")));
    }

    [Fact]
    public void Everything_that_is_left_out_is_listed_and_counted()
    {
        using var folder = new MixtureFolder();
        folder.Write("rows.jsonl", """
            {"inputs": "one", "targets": "a"}
            {"inputs": "two"}
            no JSON
            {"inputs": "three \ud83d", "targets": "a"}
            {"inputs": "ask Claude", "targets": "a"}
            {"inputs": "one ", "targets": " a"}
            ["four"]
            {"inputs": "a bombardment", "targets": 5}
            {"inputs": "a bombardment", "targets": "b"}

            """);
        var built = folder.Build("""
            filters: [other_models]
            deduplicate: exact
            sources: [{ name: mine, converter: flan, files: [rows.jsonl], paper: { raw: 9, final: 8 } }]
            """);
        Assert.Equal(1, built.Rows);
        Assert.Equal(["""{"dataset": "mine", "id": "mine_0", "messages": [{"role": "user", "content": "one\n"}, {"role": "assistant", "content": "a"}]}"""], folder.Rows());
        Assert.Equal(
            [
                (3, "unreadable", "broken JSON (at byte 2, from here on: o JSON)"), (7, "unreadable", "the record is a list, not an object"),
                (2, "converter", "no targets: the record has inputs"), (4, "converter", "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)"),
                (8, "converter", "targets is a number, not a text"), (5, "other_models", "messages[0] has 'Claude'"),
                (6, "deduplicate", "the same turns as mine: rows.jsonl:1"), (9, "other_models", "messages[0] has 'BARD'"),
            ],
            folder.Lines("out", "rejected.ndjson").Select(line => JsonNode.Parse(line)!).Select(entry => ((int)entry["line"]!, entry["by"]!.ToString(), entry["reason"]!.ToString())));
        Assert.Equal(["""{"source":"mine","file":"rows.jsonl","line":9,"reason":"messages[0] has 'BARD'","removed":true}"""], folder.Lines("out", "parity-only.ndjson"));
        var counts = built.Sources.Single();
        Assert.Equal((7, 2, 7, 3, 4, 1, 1), (counts.Records, counts.Unreadable, counts.Taken, counts.Rejected, counts.Converted, counts.OnlyParity, counts.Kept));
        Assert.Equal([new RowsLeft("other_models", 2), new RowsLeft("deduplicate", 1)], counts.Left);
        Assert.Equal((9, 8), (counts.PaperRaw, counts.PaperFinal));
    }

    [Fact]
    public void Parquet_has_the_rows_of_json_lines()
    {
        using var folder = Inputs();
        folder.Build(Recipe);
        folder.Build(Recipe, "parquet", arguments: ["format=parquet", "shards=2"]);
        var rows = Directory.GetFiles(folder.To("parquet"), "train-*.parquet").Order().SelectMany(file => RowReader.ReadMessages(new DataFile(file)))
            .Select(result => result.Row!).Select(row => JsonSerializer.Serialize(new { row.Dataset, row.Id, row.Messages }, Plain));
        var lines = Directory.GetFiles(folder.To("out"), "train-*.gz").Order().SelectMany(file => RowReader.ReadMessages(new DataFile(file)))
            .Select(result => result.Row!).Select(row => JsonSerializer.Serialize(new { row.Dataset, row.Id, row.Messages }, Plain));
        Assert.Equal(lines, rows);
    }

    [Fact]
    public void A_folder_is_not_built_in_twice()
    {
        using var folder = Inputs();
        folder.Build(Recipe);
        var before = folder.Bytes("out");
        Assert.True(folder.Build(Recipe).AlreadyThere);
        Assert.Contains("another recipe", Assert.Throws<BadInputException>(() => folder.Build(Recipe, arguments: ["seed=7"])).What);
        Stopped(folder, "other", 5);
        Assert.Contains("unfinished build", Assert.Throws<BadInputException>(() => folder.Build(Recipe, "other", arguments: ["seed=7"])).What);
        Directory.CreateDirectory(folder.To("foreign"));
        File.WriteAllText(folder.To("foreign/mine.txt"), "");
        Assert.Equal("holds other files", Assert.Throws<BadInputException>(() => folder.Build(Recipe, "foreign")).What);
        using (var held = BuildFolder.Take(folder.To("held")))
            Assert.Contains("another process", Assert.Throws<BadInputException>(() => folder.Build(Recipe, "held")).What);
        Assert.Equal(before.Keys.Order(), folder.Bytes("out").Keys.Order());
    }

    [Fact]
    public void A_build_that_failed_before_it_converted_anything_can_be_corrected()
    {
        using var folder = Inputs();
        Assert.Equal("asks for 9,999 records, but there are 1,300", Assert.Throws<BadInputException>(() => folder.Build(Recipe, arguments: ["sources.asked.sample=9999"])).What);
        Assert.True(folder.Build(Recipe).Rows > 0);
    }

    [Fact]
    public void A_damaged_input_stops_the_build()
    {
        using var folder = Inputs();
        var whole = Data.TemporaryFolder.Gzip("""{"inputs": "a", "targets": "b"}""" + "\n");
        File.WriteAllBytes(folder.To("told.jsonl"), whole[..^4]);
        Assert.Contains("breaks off", Assert.Throws<BadInputException>(() => folder.Build(Recipe)).What);
    }

    [Fact]
    public void A_mixture_without_rows_is_an_error()
    {
        using var folder = Inputs();
        Assert.Equal("gives no row", Assert.Throws<BadInputException>(() => folder.Build(Recipe, arguments: ["sources.asked.sample=0", "sources.told.weight=0"])).What);
    }

    private static MixtureFolder Inputs()
    {
        var folder = new MixtureFolder();
        folder.Write("asked.jsonl", string.Concat(Enumerable.Range(0, 1300).Select(at =>
            JsonSerializer.Serialize(new { instruction = $"Task {at % 1200}", input = at % 3 == 0 ? "" : $"on {at}", output = at % 50 == 0 ? "By ChatGPT" : $"Done {at}" }) + "\n")));
        folder.Write("told.jsonl", string.Concat(Enumerable.Range(0, 700).Select(at => JsonSerializer.Serialize(new { inputs = $"Say {at}:", targets = $"It is {at % 9}" }) + "\n")));
        return folder;
    }

    private static void Stopped(MixtureFolder folder, string to, int stop)
    {
        var reports = 0;
        try
        {
            folder.Build(Recipe, to, threads: 1, _ =>
            {
                if (reports++ == stop) throw new Killed();
            });
        }
        catch (Killed)
        {
        }
    }

    private static void Same(MixtureFolder folder, string one, string other)
    {
        var (left, right) = (folder.Bytes(one), folder.Bytes(other));
        Assert.Equal(left.Keys.Order(), right.Keys.Order());
        foreach (var name in left.Keys) Assert.True(left[name].AsSpan().SequenceEqual(right[name]), name);
    }
}

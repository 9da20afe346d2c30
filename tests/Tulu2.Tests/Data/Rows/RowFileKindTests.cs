using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>A row means the same in every kind of file, and one that is refused in one is refused in all: none is read wrongly, none is passed over.</summary>
public sealed class RowFileKindTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<int> Shapes => new(Enumerable.Range(0, RowShapes.All.Count));

    public static TheoryData<RowKind, string> Tables => new()
    {
        { RowKind.Messages, DuckDbFiles.Parquet }, { RowKind.Messages, DuckDbFiles.Lines }, { RowKind.Messages, DuckDbFiles.Array },
        { RowKind.Preferences, DuckDbFiles.Parquet }, { RowKind.Preferences, DuckDbFiles.Lines }, { RowKind.Preferences, DuckDbFiles.Array },
        { RowKind.Unpaired, DuckDbFiles.Parquet }, { RowKind.Unpaired, DuckDbFiles.Lines }, { RowKind.Unpaired, DuckDbFiles.Array },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_shape_means_the_same_in_json_lines_gzip_an_array_and_parquet(int number)
    {
        var shape = RowShapes.All[number];
        var lines = folder.Write("rows.jsonl", shape.Record);
        var said = Read(lines, shape.Kind);
        Assert.Equal(shape.Meaning, said.Meaning);
        Assert.Equal(said, Read(folder.WriteBytes("rows.jsonl.gz", TemporaryFolder.Gzip(shape.Record + "\n")), shape.Kind));
        Assert.Equal(said, Read(folder.Write("rows.json", $"[\n{shape.Record}\n]"), shape.Kind));
        Assert.Equal(said.Meaning, Read(DuckDbFiles.Copy(lines, folder.File("rows.parquet"), DuckDbFiles.Parquet), shape.Kind).Meaning);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void In_a_table_of_all_shapes_every_row_means_what_it_means_alone(RowKind kind, string form)
    {
        var shapes = RowShapes.All.Where(shape => shape.Kind == kind).ToList();
        var table = DuckDbFiles.Copy(folder.Write("all.jsonl", string.Join('\n', shapes.Select(shape => shape.Record))), folder.File("all.table"), form);
        for (var number = 0; number < shapes.Count; number++)
        {
            var alone = folder.Write("one.jsonl", shapes[number].Record);
            var file = new DataFile(table) { Format = RowFormats.Of(alone, kind) };
            Assert.Equal((shapes[number].Record, shapes[number].Meaning), (shapes[number].Record, Read(file, kind, number).Meaning));
        }
    }

    [Theory]
    [InlineData("SELECT 'q' AS prompt, 'a' AS chosen, 'b' AS rejected, 3.5::DECIMAL(4,1) AS score_chosen, 8::DECIMAL(4,1) AS score_rejected", null)]
    [InlineData("SELECT 'q' AS prompt, 'a' AS chosen, 'b' AS rejected, 8.5::DECIMAL(4,1) AS score_chosen, 8::DECIMAL(4,1) AS score_rejected", "user:q assistant:a | user:q assistant:b")]
    public void Decimal_scores_are_numbers(string query, string? meaning) =>
        Assert.Equal(meaning, Read(DuckDbFiles.Write(query, folder.File("pairs.parquet"), DuckDbFiles.Parquet), RowKind.Preferences).Meaning);

    [Fact]
    public void A_map_is_an_object()
    {
        const string query = "SELECT [MAP {'role': 'user', 'content': 'q', 'name': NULL}, MAP {'role': 'assistant', 'content': 'a'}] AS messages";
        Assert.Equal("user:q assistant:a", Read(DuckDbFiles.Write(query, folder.File("rows.parquet"), DuckDbFiles.Parquet), RowKind.Messages).Meaning);
    }

    [Fact]
    public void A_column_of_json_holds_values_not_texts()
    {
        const string dialogue = """[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]""";
        Assert.Equal("user:q assistant:a", Read(Json($"SELECT '{dialogue}'::JSON AS messages"), RowKind.Messages).Meaning);
        Assert.Equal("user:q assistant:a", Read(Json("""SELECT '"q"'::JSON AS prompt, 'a' AS completion"""), RowKind.Messages).Meaning);
        Assert.Equal("completion is a number, not a text or a list of turns", Read(Json("SELECT 'q' AS prompt, '3'::JSON AS completion"), RowKind.Messages).Reason);
        // The same as a text is a text.
        Assert.Equal("user:\"q\" assistant:a", Read(Json("""SELECT '"q"' AS prompt, 'a' AS completion"""), RowKind.Messages).Meaning);

        string Json(string query) => DuckDbFiles.Write(query, folder.File("rows.parquet"), DuckDbFiles.Parquet);
    }

    [Theory]
    [InlineData("""{"messages":null,"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt")]
    [InlineData("""{"messages":null,"prompt":"q","completion":"a","instruction":null,"output":null}""", "prompt_completion")]
    [InlineData("""{"prompt":null,"completion":null,"instruction":"q","output":"a","completions":null}""", "alpaca")]
    public void A_key_that_is_null_does_not_make_the_form(string record, string form)
    {
        var path = folder.Write("rows.jsonl", record);
        Assert.Equal(form, RowFormats.Of(path));
        Assert.Equal("user:q assistant:a", Read(path, RowKind.Messages).Meaning);
    }

    [Fact]
    public void Broken_json_in_a_column_of_json_is_a_fault_of_its_row()
    {
        var batch = new RecordBatch(new Schema([new Field("messages", StringType.Default, true)], null), [new StringArray.Builder().Append("oops").Build()], 1);
        using var json = new Utf8JsonWriter(new MemoryStream());
        Assert.StartsWith("messages: broken JSON", ArrowJson.WriteRow(json, batch, [new TextForm(IsJson: true, [])], 0));
    }

    // What a file's row means, or why it is refused.
    private static (string? Meaning, string? Reason) Read(DataFile file, RowKind kind, int row = 0)
    {
        try
        {
            if (kind == RowKind.Messages)
            {
                var (found, fault) = RowReader.ReadMessages(file).ElementAt(row);
                return (found is null ? null : RowShapes.Text(found.Messages), fault?.Reason);
            }
            if (kind == RowKind.Unpaired)
            {
                var (found, fault) = RowReader.ReadUnpaired(file).ElementAt(row);
                return (found is null ? null : RowShapes.Text(found), fault?.Reason);
            }
            var (pair, pairFault) = RowReader.ReadPreferences(file).ElementAt(row);
            return (pair is null ? null : $"{RowShapes.Text(pair.Chosen)} | {RowShapes.Text(pair.Rejected)}", pairFault?.Reason);
        }
        catch (BadInputException refused)
        {
            return (null, refused.What);
        }
    }
}

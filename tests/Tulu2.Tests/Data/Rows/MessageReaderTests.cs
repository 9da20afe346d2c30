using System.Text;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class MessageReaderTests : IDisposable
{
    private const string Good = """{"dataset":"d","id":"1","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"more":{"x":1}}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("{", "broken JSON")]
    [InlineData("[]", "a list, not an object")]
    [InlineData("3", "a number, not an object")]
    [InlineData("{}", "no messages")]
    [InlineData("""{"messages":[]}""", "messages is empty")]
    [InlineData("""{"messages":"hi"}""", "messages is a text, not a list")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}]}""", "no assistant turn")]
    [InlineData("""{"messages":[{"role":"human","content":"a"}]}""", "unknown role 'human'")]
    [InlineData("""{"messages":[{"role":"assistant","content":3}]}""", "messages[0].content is a number")]
    [InlineData("""{"messages":[{"role":"assistant","content":null}]}""", "messages[0].content is null")]
    [InlineData("""{"messages":[{"role":"assistant"}]}""", "messages[0] has no content")]
    [InlineData("""{"messages":["a"]}""", "messages[0] is a text")]
    [InlineData("""{"messages":[{"role":"assistant","content":"\ud800"}]}""", "not valid Unicode")]
    [InlineData("""{"prompt":"a","completion":"b"}""", "of the form prompt_completion")]
    [InlineData("", "the line is empty")]
    public void A_bad_line_is_a_fault_with_its_line_and_reason_and_costs_only_itself(string bad, string reason)
    {
        var path = folder.Write("rows.jsonl", $"{Good}\n{bad}\n{Good}\n");
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal(3, results.Count);
        Assert.NotNull(results[0].Row);
        Assert.Equal(new RowLocation(path, 3), results[2].Row!.Location);
        var fault = results[1].Fault!;
        Assert.Equal(new RowLocation(path, 2), fault.Location);
        Assert.Contains(reason, fault.Reason);
        Assert.Equal(RowFaultKind.Broken, fault.Kind);
    }

    [Fact]
    public void Lines_may_end_as_on_windows_begin_with_a_byte_order_mark_and_lack_the_last_line_feed()
    {
        var path = folder.Write("rows.jsonl", $"\uFEFF{Good}\r\n{Good}");
        Assert.Equal(2, RowReader.ReadMessages(path).Count(result => result.Row is not null));
        Assert.Empty(RowReader.ReadMessages(folder.Write("blank.jsonl", "\n\n")));
        Assert.Single(RowReader.ReadMessages(folder.Write("tail.jsonl", $"{Good}\n\n \n")));
    }

    [Fact]
    public void A_line_longer_than_any_buffer_is_read_whole()
    {
        var content = string.Concat(Enumerable.Range(0, 60_000).Select(number => $"{number} "));
        var path = folder.Write("rows.jsonl", $"{Good}\n{Good.Replace("\"b\"", $"\"{content}\"")}\n{Good}\n");
        var rows = RowReader.ReadMessages(path).Select(result => result.Row!).ToList();
        Assert.Equal(content, rows[1].Messages[1].Content);
        Assert.Equal(3, rows.Count);
    }

    [Fact]
    public void Gzip_is_told_by_its_bytes_not_by_its_name()
    {
        var path = folder.WriteBytes("rows.txt", TemporaryFolder.Gzip($"{Good}\n{Good}\n"));
        Assert.Equal(2, RowReader.ReadMessages(path).Count(result => result.Row is not null));
        Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl.gz", Good)));
    }

    [Fact]
    public void Broken_json_in_the_middle_of_a_gzip_file_names_its_line()
    {
        var lines = Enumerable.Repeat(Good, 2000).ToArray();
        lines[1234] = lines[1234][..40];
        var path = folder.WriteBytes("rows.jsonl.gz", TemporaryFolder.Gzip(string.Join('\n', lines)));
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal(1999, results.Count(result => result.Row is not null));
        Assert.Equal(1235, Assert.Single(results, result => result.Fault is not null).Fault!.Location.Line);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("[NaN, {\"y\": -Infinity, \"text\": \"NaN \\\" Infinity\"}]")]
    public void A_number_that_only_python_writes_does_not_break_a_row_that_does_not_use_it(string value)
    {
        var row = Good.Replace("\"x\":1", $"\"x\":{value}, \"NaN\":NaN");
        Assert.NotNull(Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", row))).Row);
        Assert.Equal(2, RowReader.ReadMessages(folder.Write("rows.json", $"[{row},\n{row}]")).Count(result => result.Row is not null));
    }

    [Fact]
    public void Texts_that_speak_of_nan_are_left_as_they_are_and_a_nan_that_a_row_needs_is_missing()
    {
        var row = Good.Replace("\"b\"", "\"NaN, \\\"Infinity\"").Replace("\"x\":1", "\"x\":NaN");
        Assert.Equal("NaN, \"Infinity", Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", row))).Row!.Messages[1].Content);
        Assert.Contains("content is null", Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", Good.Replace("\"b\"", "NaN")))).Fault!.Reason);
        Assert.Equal("1", Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", Good.Replace("\"id\":\"1\"", "\"id\":NaN")))).Row!.Id);
        Assert.Contains("broken JSON", Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", "Nancy\n"))).Fault!.Reason);
    }

    [Fact]
    public void A_line_or_an_element_longer_than_a_row_may_be_is_passed_over_and_said()
    {
        var longer = Good.Replace("\"b\"", $"\"{new string('x', 100)}\"");
        var lines = new LineReader(new MemoryStream(Encoding.UTF8.GetBytes($"{longer}\n{Good}\n{longer}")), most: longer.Length - 1);
        Assert.Equal([LineEnd.TooLong, LineEnd.Feed, LineEnd.TooLong, LineEnd.None], Enumerable.Range(0, 4).Select(_ => lines.Read(out ReadOnlyMemory<byte> _)));
        var elements = new ArrayReader(new MemoryStream(Encoding.UTF8.GetBytes($"[{longer},{Good},{longer}]")), most: longer.Length - 1);
        Assert.Equal([ArrayPart.TooLong, ArrayPart.Element, ArrayPart.TooLong, ArrayPart.End], Enumerable.Range(0, 4).Select(_ => elements.Read(out ReadOnlyMemory<byte> _)));

        var path = folder.File("huge.jsonl");
        using (var file = File.Create(path))
        {
            file.Write(Encoding.UTF8.GetBytes($"{Good}\n{{\"text\":\""));
            var some = new byte[1 << 20];
            Array.Fill(some, (byte)'y');
            for (var written = 0; written <= JsonRecords.MostBytes >> 20; written++) file.Write(some);
            file.Write(Encoding.UTF8.GetBytes($"\"}}\n{Good}\n"));
        }
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Contains($"{JsonRecords.MostBytes:N0} bytes", results[1].Fault!.Reason);
        Assert.Equal(3, results[2].Row!.Location.Line);
    }

    [Fact]
    public void Broken_json_is_said_with_its_place_and_what_stands_there_and_in_our_words()
    {
        var fault = Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", "{\"messages\": [oops]}\n"))).Fault!;
        Assert.Equal("broken JSON (at byte 15, from here on: oops]})", fault.Reason);
    }

    [Fact]
    public void A_json_array_is_read_element_by_element()
    {
        var path = folder.Write("rows.json", $"\n [ {Good},\n\n {Good}, {{}} ]");
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal(3, results.Count);
        Assert.Equal(2, results[1].Row!.Location.Line);
        Assert.Equal("no messages", results[2].Fault!.Reason);
        var broken = RowReader.ReadMessages(folder.Write("cut.json", $"[{Good},{Good[..30]}")).ToList();
        Assert.Contains("breaks off", broken[^1].Fault!.Reason);
    }

    [Fact]
    public void Missing_labels_become_the_files_name_and_the_line()
    {
        var path = folder.Write("rows.jsonl", """{"messages":[{"role":"assistant","content":"b"}]}""" + "\n" + Good.Replace("\"1\"", "17"));
        var rows = RowReader.ReadMessages(path).Select(result => result.Row!).ToList();
        Assert.Equal(("rows.jsonl", "1"), (rows[0].Dataset, rows[0].Id));
        Assert.Equal(("d", "17"), (rows[1].Dataset, rows[1].Id));
    }

    [Fact]
    public void A_missing_file_or_a_directory_is_bad_input_that_names_it()
    {
        Assert.Equal(folder.File("none.jsonl"), Assert.Throws<BadInputException>(() => RowReader.ReadMessages(folder.File("none.jsonl")).Any()).Where);
        Assert.Equal(folder.Root, Assert.Throws<BadInputException>(() => RowReader.ReadMessages(folder.Root).Any()).Where);
    }

    [Fact]
    public void A_file_that_only_begins_like_parquet_is_bad_input()
    {
        var path = folder.WriteBytes("rows.parquet", Encoding.ASCII.GetBytes("PAR1 and nothing more"));
        Assert.Contains("Parquet", Assert.Throws<BadInputException>(() => RowReader.ReadMessages(path).Any()).What);
    }

    [SkippableFact]
    public void The_real_sample_of_the_mixture_reads_whole()
    {
        var results = RowReader.ReadMessages(ReferenceData.Require("tulu_v2_mix_sample", "sample_debug.jsonl.gz")).ToList();
        Assert.Equal(512, results.Count);
        Assert.All(results, result => Assert.NotNull(result.Row));
        Assert.Equal(80, results.Count(result => result.Row!.Dataset == "sharegpt"));
        Assert.Equal(44, results.Max(result => result.Row!.Messages.Count));
    }
}

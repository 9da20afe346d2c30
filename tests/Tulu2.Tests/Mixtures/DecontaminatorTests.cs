using System.IO.Compression;
using System.Text.Json.Nodes;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Decontamination;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public sealed class DecontaminatorTests : IDisposable
{
    private const string Question = "A farmer has seventeen sheep and buys nine more of them at the market on Monday";
    private const string Answer = "He has 17 + 9 = <<17+9=26>>26 sheep after that day at the market of the town";
    private const string Clean = "What is the capital of France?";

    private readonly TemporaryFolder _folder = new();

    public DecontaminatorTests()
    {
        Directory.CreateDirectory(_folder.File("gsm8k"));
        _folder.Write("gsm8k/test.jsonl", string.Concat(new[] { (Question, Answer), ("How many of the nine birds were left?", "Four.") }
            .Select(item => new JsonObject { ["question"] = item.Item1, ["answer"] = item.Item2 }.ToJsonString() + "\n")));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("user", "question", """{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"x"}]}""")]
    [InlineData("assistant", "answer", """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"A"}]}""")]
    [InlineData("system", "question", """{"messages":[{"role":"system","content":"Q"},{"role":"user","content":"x"},{"role":"assistant","content":"x"}]}""")]
    [InlineData("user", "question", """{"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"x"}]}""")]
    [InlineData("user", "question", """{"instruction":"Solve:","input":"Q","output":"x"}""")]
    [InlineData("assistant", "question", """{"prompt":"x","completion":"Q"}""")]
    [InlineData("user", "question", """{"prompt":"Q","chosen":"x","rejected":"y"}""")]
    [InlineData("chosen", "answer", """{"prompt":"x","chosen":"A","rejected":"y"}""")]
    [InlineData("rejected", "answer", """{"prompt":"x","chosen":"y","rejected":"A"}""")]
    [InlineData("chosen", "answer", """{"prompt":"x","completions":[{"response":"A","overall_score":9},{"response":"y","overall_score":1}]}""")]
    [InlineData("user", "question", """{"query":"Q","reply":"x"}""", "prompt=query", "completion=reply")]
    public void A_row_of_any_form_that_training_reads_is_compared_in_all_its_turns(string role, string part, string row, params string[] columns)
    {
        var file = new DataFile(_folder.Write("rows.jsonl", row.Replace("\"Q\"", $"\"{Question}\"").Replace("\"A\"", $"\"{Answer}\"") + "\n"))
        {
            Columns = columns.Select(column => column.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]),
        };
        var result = Run(new DecontaminationRequest([file], ["gsm8k"], _folder.Root) { Report = _folder.File("report") });
        Assert.Equal((1, 1, 0, 1, 0), (result.Read, result.Touched, result.Removed, result.Kept, result.Bad));
        var line = JsonNode.Parse(File.ReadAllText(_folder.File("report")))!;
        Assert.Equal((role, part, "gsm8k", "1", file.Path, 1, "rows.jsonl"), ((string)line["role"]!, (string)line["part"]!, (string)line["benchmark"]!,
            (string)line["item"]!, (string)line["file"]!, (int)line["line"]!, (string)line["dataset"]!));
        Assert.Equal(part == "question" ? "a farmer has seventeen sheep and buys nine more of them at the" : "he has 17 9 17 9 26 26 sheep after that day at", (string)line["ngram"]!);
        // Sixteen words make four n-grams, eighteen make six.
        Assert.Equal(part == "question" ? 4 : 6, (int)line["ngrams"]!);
    }

    [Fact]
    public void An_answer_without_the_calculators_notes_overlaps_too()
    {
        var result = Run(Rows(Dialogue("x", Answer.Replace("<<17+9=26>>", ""))));
        Assert.Equal((1, 1L, 1L), (result.Benchmarks.Count, result.Benchmarks[0].ItemsTouched, result.Benchmarks[0].RowsTouched));
    }

    [Fact]
    public void Items_rows_and_n_grams_are_counted_once()
    {
        var result = Run(Rows(Dialogue(Question, Question), Dialogue(Question, "How many of the nine birds were left?"), Dialogue(Clean, "Paris")));
        // The first answer has six n-grams, and three others without the calculator's note. The second question is one, of eight words; its answer is too short.
        Assert.Equal(new BenchmarkOverlap("gsm8k", 2, 0, 2, 2, 4 + 6 + 3 + 1, 4 + 1), result.Benchmarks[0]);
        Assert.Equal([new DatasetOverlap("rows.jsonl", 3, 2)], result.Datasets);
    }

    [Fact]
    public void Turns_and_parts_that_do_not_count_are_left_alone()
    {
        var request = Rows(Dialogue(Question, Answer), Dialogue(Question, "x"), Dialogue("x", Question));
        Assert.Equal(3, Run(request).Touched);
        Assert.Equal(2, Run(request with { Turns = ComparedTurns.User }).Touched);
        Assert.Equal(2, Run(request with { Turns = ComparedTurns.Assistant }).Touched);
        Assert.Equal(1, Run(request with { Parts = [ItemPart.Answer] }).Touched);
        Assert.Equal(1, Run(request with { Parts = [ItemPart.Answer] }).Benchmarks[0].TooShort);
    }

    [Fact]
    public void Rows_of_ones_own_may_be_the_benchmark()
    {
        var (rows, named) = (_folder.Write("own.jsonl", Dialogue(Question, "x") + "\n"), _folder.Write("named.jsonl", $$"""{"id":5,"problem":"{{Question}}","n":1}""" + "\n"));
        var request = Rows(Dialogue(Question, "y"), Dialogue(Clean, "Paris"));
        var result = Run(request with { Against = [$"file:{rows}"], Data = null });
        Assert.Equal((1L, $"file:{rows}"), (result.Touched, result.Benchmarks[0].Name));
        Assert.Equal(1, Run(request with { Against = [$"file:{named}"], Data = null, ItemColumns = ["problem"] }).Touched);
        Assert.StartsWith("has no body", Fault(request with { Against = [$"file:{named}"], ItemColumns = ["body"] }).What);
        Assert.Equal($"{named}:1", Fault(request with { Against = [$"file:{named}"] }).Where);
    }

    [Theory]
    [InlineData("kept.jsonl.gz")]
    [InlineData("kept.jsonl")]
    [InlineData("kept/rows.jsonl.gz")]
    public void Kept_records_are_the_bytes_that_they_were_in_their_order(string to)
    {
        string[] kept =
        [
            Dialogue(Clean, "Paris"), """{ "messages" : [{"content":"caf\u00e9 é","role":"user"},{"role":"assistant","content":"1","weight":1.0}],"score": NaN, "other":[1, 2.50] }""",
            Dialogue("x", "y"),
        ];
        var path = _folder.Write("rows.jsonl", $"\ufeff{kept[0]}\r\n{Dialogue(Question, "x")}\n{kept[1]}\n{kept[2]}\n{Dialogue("x", Question)}");
        var result = Run(new DecontaminationRequest([path], ["gsm8k"], _folder.Root) { To = _folder.File(to.Split('/')[0]) });
        Assert.Equal((5, 3, 2, 0), (result.Read, result.Kept, result.Removed, result.Bad));
        Assert.Equal(_folder.File(to), result.Files[0].To);
        Assert.Equal(string.Concat(kept.Select(line => line + "\n")), Text(_folder.File(to)));
    }

    [Fact]
    public void Elements_of_an_array_become_lines_and_a_file_without_kept_rows_is_still_one()
    {
        var path = _folder.Write("rows.json", $"[\n  {{\n    \"instruction\": \"{Clean}\\n\",\r\n    \"output\": \"Paris\"\n  }},\n {{\"instruction\": \"{Question}\", \"output\": \"26\"}}]");
        Run(new DecontaminationRequest([path], ["gsm8k"], _folder.Root) { To = _folder.File("kept") });
        var line = Assert.Single(Text(_folder.File("kept/rows.jsonl.gz")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal($"{Clean}\n", (string)JsonNode.Parse(line)!["instruction"]!);
        Run(Rows(Dialogue(Question, "x")) with { To = _folder.File("none.jsonl.gz") });
        Assert.Equal("", Text(_folder.File("none.jsonl.gz")));
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_counts_files_and_report()
    {
        var rows = Rows([.. Enumerable.Range(0, 2000).Select(at => at % 7 == 0 ? Dialogue($"{Question} {at}", Answer) : Dialogue($"{Clean} {at}", "Paris"))]);
        var bytes = new List<(string Kept, string Report)>();
        foreach (var threads in new[] { 1, 2, 5 })
        {
            var result = Run(rows with { Threads = threads, To = _folder.File($"{threads}.jsonl.gz"), Report = _folder.File($"{threads}.report") });
            Assert.Equal((2000, 286, 1714), (result.Read, result.Removed, result.Kept));
            bytes.Add((Convert.ToHexString(File.ReadAllBytes(_folder.File($"{threads}.jsonl.gz"))), File.ReadAllText(_folder.File($"{threads}.report"))));
        }
        Assert.Single(bytes.Distinct());
        Assert.Equal(1714, Text(_folder.File("1.jsonl.gz")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Bad_rows_stop_it_before_anything_is_written_or_are_counted_and_left_out()
    {
        var request = Rows(Dialogue(Clean, "Paris"), "{\"messages\": []}", Dialogue(Question, "x"), "{broken", Dialogue("x", "y")) with
        {
            To = _folder.File("kept.jsonl.gz"),
            Report = _folder.File("report"),
        };
        var fault = Fault(request);
        Assert.Equal($"{_folder.File("rows.jsonl")}:2", fault.Where);
        Assert.StartsWith("2 of 5 rows cannot be read:", fault.What);
        Assert.Contains("rows.jsonl:4: broken JSON", fault.What);
        Assert.Equal((false, false), (File.Exists(request.To), File.Exists(request.Report)));
        Assert.Empty(Directory.EnumerateFiles(_folder.Root, ".*"));

        var result = Run(request with { SkipBadRows = true });
        Assert.Equal((5, 2, 1, 2), (result.Read, result.Kept, result.Removed, result.Bad));
        Assert.Equal([2L, 4L], result.BadRows.Select(row => row.Location.Line));
        Assert.Equal(2, Text(request.To!).Count(character => character == '\n'));
    }

    [Fact]
    public void One_that_is_stopped_leaves_no_file()
    {
        using var stop = new CancellationTokenSource();
        var request = Rows([.. Enumerable.Repeat(Dialogue(Clean, "Paris"), 3000)]) with { To = _folder.File("kept"), Report = _folder.File("report") };
        Assert.ThrowsAny<OperationCanceledException>(() => new Decontaminator(request, now =>
        {
            if (now.Rows > 500) stop.Cancel();
        }).Run(stop.Token));
        Assert.Equal([_folder.File("gsm8k/test.jsonl"), _folder.File("rows.jsonl")], Directory.EnumerateFiles(_folder.Root, "*", SearchOption.AllDirectories).Order());
    }

    [Fact]
    public void Where_one_name_belongs_to_a_directory_no_file_gets_its_name()
    {
        Directory.CreateDirectory(_folder.File("report"));
        var request = Rows(Dialogue(Clean, "Paris")) with { To = _folder.File("kept.jsonl"), Report = _folder.File("report") };
        Assert.Equal("cannot be written: it is a directory", Fault(request).What);
        // One that comes while the rows are compared.
        request = request with { Report = _folder.File("list") };
        Assert.Contains("kept.jsonl", Assert.Throws<BadInputException>(() =>
            new Decontaminator(request, now => Directory.CreateDirectory(now.Rows > 0 ? request.To! : _folder.File("report"))).Run(CancellationToken.None)).Where);
        Assert.False(File.Exists(request.Report));
        Assert.Empty(Directory.EnumerateFiles(_folder.Root, ".*"));
    }

    [Fact]
    public void Pairs_without_a_preference_are_bad_rows_that_stop_nothing_and_a_damaged_file_stops_everything()
    {
        var result = Run(Rows("""{"prompt":"p","chosen":"a","rejected":"a"}""", """{"prompt":"p","chosen":"a","rejected":"b"}""") with { To = _folder.File("kept.jsonl.gz") });
        Assert.Equal((2, 1, 0, 1), (result.Read, result.Kept, result.Removed, result.Bad));
        var cut = _folder.Write("cut.jsonl", Dialogue("x", "y") + "\n" + Dialogue("x", "y")[..^4]);
        Assert.Equal($"{cut}:2", Fault(new DecontaminationRequest([cut], ["gsm8k"], _folder.Root) { SkipBadRows = true }).Where);
    }

    [Fact]
    public void Where_rows_go_is_checked_before_they_are_read()
    {
        Directory.CreateDirectory(_folder.File("b"));
        DataFile rows = _folder.Write("rows.jsonl", Dialogue("x", "y") + "\n"), same = _folder.Write("b/rows.json", $"[{Dialogue("x", "y")}]"),
            pairs = _folder.Write("pairs.jsonl", """{"prompt":"p","chosen":"a","rejected":"b"}""");
        Assert.Contains("is one of the files that are read", To("rows.jsonl", rows).What);
        Assert.Contains("would both become", To("kept", rows, same).What);
        Assert.Contains("is not Parquet", To("kept.parquet", rows).What);
        Assert.Contains("of several forms", To("kept.jsonl.gz", rows, pairs).What);
        _folder.Write("plain", "");
        Assert.Equal("is a file", To("plain", rows).What);
        Assert.Contains("is one of the files that are read", Fault(new DecontaminationRequest([rows], ["gsm8k"], _folder.Root) { Report = rows.Path }).What);
        Assert.Contains("is one of the files that --to writes",
            Fault(new DecontaminationRequest([rows], ["gsm8k"], _folder.Root) { To = _folder.File("kept.jsonl"), Report = _folder.File("kept.jsonl") }).What);
        // A benchmark of one's own is read too.
        var own = new DecontaminationRequest([rows], [$"file:{same.Path}"], null);
        Assert.Equal($"{same.Path} is one of the files that are read", Fault(own with { Report = same.Path }).What);
        var packed = _folder.Write("own.jsonl", Dialogue("x", "y") + "\n");
        Assert.Equal($"{packed} is one of the files that are read", Fault(own with { Against = [$"file:{_folder.File("ow*.jsonl")}"], To = packed }).What);
        Assert.Equal(Path.Join(FilePatterns.Home("~"), "report"), (own with { Report = "~/report" }).Report);

        BadInputException To(string to, params DataFile[] files) => Fault(new DecontaminationRequest(files, ["gsm8k"], _folder.Root) { To = _folder.File(to) });
    }

    private static string Dialogue(string question, string answer) => new JsonObject
    {
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }, new JsonObject { ["role"] = "assistant", ["content"] = answer }),
    }.ToJsonString();

    private static DecontaminationResult Run(DecontaminationRequest request) => new Decontaminator(request).Run(CancellationToken.None);

    private static BadInputException Fault(DecontaminationRequest request) => Assert.Throws<BadInputException>(() => Run(request));

    private static string Text(string path)
    {
        using Stream file = File.OpenRead(path), stream = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        return new StreamReader(stream).ReadToEnd();
    }

    private DecontaminationRequest Rows(params string[] lines) =>
        new([_folder.Write("rows.jsonl", string.Concat(lines.Select(line => line + "\n")))], ["gsm8k"], _folder.Root);
}

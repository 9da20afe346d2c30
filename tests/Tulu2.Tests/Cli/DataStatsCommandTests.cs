using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Runs.Output;
using Tulu2.Tests.Data.Rows;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class DataStatsCommandTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task Statistics_are_printed_for_people_and_as_json()
    {
        File.WriteAllLines(_small.In("more.jsonl"), [SmallTraining.Row("What is 3 plus 1?", "It is 4."), SmallTraining.Row("What is 3 plus 1?", "Four."), "nonsense"]);
        var (code, output, errors) = await StatsAsync(_small.In("rows.jsonl"), _small.In("more.jsonl"), "--json");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains($"{_small.In("more.jsonl")}:1 repeats {_small.In("rows.jsonl")}:4", errors);
        using var json = JsonDocument.Parse(output);
        var root = json.RootElement;
        Assert.Equal((43, 42, 42, 1), (Number(root, "rows"), Number(root, "used"), Number(root, "sequences"), Number(root, "left_out")));
        Assert.Equal((1, 2), (Number(root.GetProperty("duplicates"), "rows"), Number(root.GetProperty("duplicates"), "prompts")));
        Assert.Equal((42, 84), (Number(root.GetProperty("datasets")[0], "rows"), Number(root.GetProperty("datasets")[0], "turns")));
        Assert.Equal([40, 2], root.GetProperty("files").EnumerateArray().Select(file => Number(file, "rows")));
        Assert.Equal(42, Number(root.GetProperty("turns").GetProperty("rows"), "2"));
        Assert.Equal(42, root.GetProperty("languages").GetProperty("rows").EnumerateObject().Sum(language => language.Value.GetInt32()));
        Assert.Equal(42, root.GetProperty("histogram").EnumerateArray().Sum(bin => Number(bin, "count")));
        Assert.Equal(root.GetProperty("tokens").GetInt32(), root.GetProperty("files").EnumerateArray().Sum(file => Number(file, "tokens")));
    }

    [Fact]
    public async Task The_same_files_give_the_same_numbers()
    {
        var (_, first, _) = await StatsAsync(_small.In("rows.jsonl"), "--json");
        var (_, again, _) = await StatsAsync(_small.In("rows.jsonl"), "--json");
        Assert.Equal(first, again);
    }

    [Fact]
    public async Task A_page_is_written_and_other_files_can_stand_beside()
    {
        var page = _small.In("page.html");
        var (code, output, errors) = await StatsAsync(_small.In("rows.jsonl"), "--html", page, "--beside", _small.In("pairs.jsonl"));
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains($"page: {page}", output);
        Assert.Contains("pairs.jsonl: 40 rows", File.ReadAllText(page));
    }

    [Fact]
    public async Task What_stands_beside_needs_the_page()
    {
        var (code, _, errors) = await StatsAsync(_small.In("rows.jsonl"), "--beside", _small.In("pairs.jsonl"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("fix: add --html FILE", errors);
    }

    [Fact]
    public async Task Every_shape_of_a_row_is_shown_with_its_mask_or_refused_with_the_reason()
    {
        foreach (var shape in RowShapes.All)
        {
            File.WriteAllText(_small.In("shape.jsonl"), shape.Record + "\n");
            var (code, output, errors) = await CommandLineTests.RunAsync("", "data", "inspect", _small.In("shape.jsonl"), "--tokenizer", _small.In("tokenizer"));
            // The command takes a row for what its keys say, whatever it was meant to be.
            var kind = RowKinds.Of(_small.In("shape.jsonl"));
            if (shape.Meaning is null && kind == shape.Kind)
            {
                Assert.True(code == ExitCode.BadInput, $"{shape.Record}: {output}");
                Assert.Contains("shape.jsonl:1\n", errors);
                Assert.Contains("\n  fix: ", errors);
                continue;
            }
            Assert.True(code == ExitCode.Done, $"{shape.Record}: {errors}");
            Assert.Equal(kind == RowKind.Preferences, output.Contains("-- chosen --", StringComparison.Ordinal) && output.Contains("-- rejected --", StringComparison.Ordinal));
            Assert.Equal(kind == RowKind.Unpaired, output.Contains("desirable --", StringComparison.Ordinal));
            Assert.Matches(@"\d+ tokens, [1-9]\d* scored", output);
            Assert.Contains("scored: ", output);
            Assert.DoesNotContain("would be left out", errors);
        }
    }

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private Task<(int Code, string Output, string Errors)> StatsAsync(params string[] arguments) =>
        CommandLineTests.RunAsync("", ["data", "stats", .. arguments, "--tokenizer", _small.In("tokenizer"), "--cache", _small.In("cache")]);
}

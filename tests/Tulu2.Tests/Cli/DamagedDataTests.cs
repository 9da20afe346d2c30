using System.IO.Compression;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>What every command says of a file that is damaged, and of one whose first rows are all bad.</summary>
public sealed class DamagedDataTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public DamagedDataTests()
    {
        var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Optimal, leaveOpen: true)) zip.Write(File.ReadAllBytes(_small.In("rows.jsonl")));
        // Without the checksum: every row is there, and nothing proves it.
        File.WriteAllBytes(_small.In("cut.jsonl.gz"), memory.ToArray()[..^8]);
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task Training_stops_at_a_damaged_file_whatever_is_said_of_bad_rows_and_keeps_its_whole_rows_if_told_so()
    {
        var recipe = _small.Recipe(data: "cut.jsonl.gz");
        var (code, _, errors) = await RunAsync("train", recipe, "--set", "data.bad_rows=skip", "--run", _small.In("refused"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("cut.jsonl.gz:41", errors);
        Assert.Contains("40 whole rows", errors);
        Assert.Contains("data.bad_files: keep_whole_rows", errors);

        for (var run = 0; run < 2; run++)
        {
            var (kept, _, said) = await RunAsync("train", recipe, "--set", "data.bad_files=keep_whole_rows", "--set", "steps=1", "--run", _small.In($"kept{run}"));
            Assert.Equal(ExitCode.Done, kept);
            Assert.Contains("damaged file", said);
            Assert.Contains("40 of 40 rows", said);
            Assert.Contains("cut.jsonl.gz:41", File.ReadAllText(Path.Combine(_small.In($"kept{run}"), "left-out.txt")));
        }
    }

    [Fact]
    public async Task Statistics_and_inspection_name_the_damage_and_show_the_rows_before_it()
    {
        var (code, output, errors) = await RunAsync("data", "stats", _small.In("cut.jsonl.gz"), "--tokenizer", _small.In("tokenizer"), "--cache", _small.In("cache"), "--json");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("cut.jsonl.gz:41", errors);
        Assert.Contains("damaged_files\":1", output);
        Assert.Equal(ExitCode.Done, (await InspectAsync(40)).Code);
        foreach (var beyond in new[] { 41, 900 })
        {
            var (refused, said) = await InspectAsync(beyond);
            Assert.Equal(ExitCode.BadInput, refused);
            Assert.Contains("breaks off", said);
        }

        async Task<(int Code, string Errors)> InspectAsync(int row)
        {
            var (inspected, _, said) = await RunAsync("data", "inspect", _small.In("cut.jsonl.gz"), "--row", $"{row}", "--tokenizer", _small.In("tokenizer"));
            return (inspected, said);
        }
    }

    [Fact]
    public async Task A_tokenizer_is_not_learned_from_a_damaged_file()
    {
        var (code, _, errors) = await RunAsync("tokenizer", "train", _small.In("cut.jsonl.gz"), "--vocabulary", "300", "--to", _small.In("learned"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("breaks off", errors);
        Assert.False(Directory.Exists(_small.In("learned")));
    }

    [Fact]
    public async Task A_hundred_bad_rows_first_change_the_judgement_of_no_command()
    {
        File.WriteAllText(_small.In("late.jsonl"), string.Concat(Enumerable.Repeat("{\"wrong\": 1}\n", 120)) + File.ReadAllText(_small.In("rows.jsonl")));
        var (stats, _, counted) = await RunAsync("data", "stats", _small.In("late.jsonl"), "--tokenizer", _small.In("tokenizer"), "--cache", _small.In("cache"));
        Assert.True(stats == ExitCode.Done, counted);
        var (train, _, said) = await RunAsync("train", _small.Recipe(data: "late.jsonl"), "--set", "data.bad_rows=skip", "--set", "steps=1", "--run", _small.In("late"));
        Assert.Equal(ExitCode.Done, train);
        Assert.Contains("40 of 160 rows", said);
        Assert.Equal(ExitCode.Done, (await RunAsync("data", "inspect", _small.In("late.jsonl"), "--row", "121", "--tokenizer", _small.In("tokenizer"))).Code);
    }

    [Fact]
    public async Task A_recipe_for_the_other_kind_of_rows_is_refused_with_the_objective_that_would_do()
    {
        var (code, _, errors) = await RunAsync("train", _small.Recipe("dpo", data: "rows.jsonl"), "--run", _small.In("refused"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("holds instruction rows", errors);
        Assert.Contains("objective: sft", errors);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        return (code, output, errors);
    }
}

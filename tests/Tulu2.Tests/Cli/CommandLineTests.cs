using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>How the program ends: exit code 2 and one block for what the user can correct, 1 for anything else.</summary>
public class CommandLineTests
{
    internal static async Task<(int Code, string Output, string Errors)> RunAsync(string input, params string[] arguments)
    {
        using StringWriter output = new(), errors = new();
        var code = await TuluCommand.RunAsync(arguments, new Terminal(new StringReader(input), output, errors, isInteractive: false));
        return (code, output.ToString(), errors.ToString());
    }

    [Theory]
    [InlineData("no-such-command")]
    [InlineData("train")]
    [InlineData("train", "a.yaml", "--no-such-flag")]
    [InlineData("train", "a.yaml", "--set")]
    [InlineData("data")]
    [InlineData("generate", "--max-tokens", "many")]
    [InlineData("train", "/no/such/recipe.yaml")]
    [InlineData("eval", "rows", "--model", "m", "--data", "d", "--evaluators", "0")]
    public async Task Bad_usage_ends_with_two_and_one_block(params string[] arguments)
    {
        var (code, output, errors) = await RunAsync("", arguments);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Empty(output);
        Assert.StartsWith("error: ", errors);
        Assert.Contains("\n  fix: ", errors);
        Assert.DoesNotContain("   at ", errors);
        Assert.DoesNotContain('\u001b', errors);
    }

    [Theory]
    [InlineData("tulu2 train", "trian", "a.yaml")]
    [InlineData("tulu2 data stats", "stats", "rows.jsonl")]
    [InlineData("tulu2 data stats", "data", "stat", "rows.jsonl")]
    [InlineData("tulu2 train RECIPE", "finetune", "a.yaml")]
    [InlineData("tulu2 tokenizer", "tokenize", "a.txt")]
    [InlineData("tulu2 eval", "evaluate", "m")]
    [InlineData("--run", "train", "a.yaml", "--rnu", "runs/x")]
    [InlineData("--json", "report", "runs/x", "--jsno")]
    [InlineData("--max-length", "data", "stats", "rows.jsonl", "--maxlength", "5")]
    public async Task A_mistyped_command_or_option_is_answered_with_the_one_that_was_meant(string meant, params string[] arguments)
    {
        var (code, _, errors) = await RunAsync("", arguments);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"did you mean `{meant}`?", errors);
    }

    [Fact]
    public async Task A_word_that_is_near_nothing_is_not_guessed_at()
    {
        var (_, _, errors) = await RunAsync("", "frobnicate");
        Assert.Contains("there is no command 'frobnicate'", errors);
        Assert.DoesNotContain("did you mean", errors);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("plan", "--memory", "8GiB")]
    public async Task Keys_stand_behind_the_recipe_with_and_without_a_flag(string command, params string[] flags)
    {
        using var small = new SmallTraining();
        foreach (var set in new[] { new[] { "seed=-1" }, ["--set", "seed=-1"], ["steps=3", "--set", "seed=-1", "batch.slot=1"] })
        {
            var (code, _, errors) = await RunAsync("", [command, small.Recipe(), .. flags, .. set]);
            Assert.Equal(ExitCode.BadInput, code);
            Assert.StartsWith("error: seed=-1: seed", errors);
        }
    }

    [Fact]
    public async Task A_pair_with_messages_beside_it_is_counted_as_a_pair_and_many_files_are_named_by_a_pattern()
    {
        using var small = new SmallTraining();
        const string pair = """{"prompt":"q","chosen":"a","rejected":"b","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""";
        File.WriteAllText(small.In("both-1.jsonl"), pair);
        File.WriteAllText(small.In("both-2.jsonl"), pair);
        var (code, output, errors) = await RunAsync("", "data", "stats", small.In("both-*.jsonl"), "--tokenizer", small.In("tokenizer"), "--cache", small.In("cache"), "--json");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains("\"rows\":2,", output);
        Assert.Contains("\"sequences\":4,", output);
    }

    [Fact]
    public async Task A_row_with_nothing_to_learn_is_shown_and_named()
    {
        using var small = new SmallTraining();
        File.WriteAllLines(small.In("still.jsonl"), [SmallTraining.Row("q", "a"), SmallTraining.Row("q", " ")]);
        var (code, output, errors) = await RunAsync("", "data", "inspect", small.In("still.jsonl"), "--row", "2", "--tokenizer", small.In("tokenizer"));
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains(", 0 scored", output);
        Assert.Contains("would be left out: ", errors);
        Assert.Contains("still.jsonl:2: there is nothing to learn: the answer is empty", errors);
    }

    [Fact]
    public async Task Learning_a_tokenizer_names_the_rows_it_left_out()
    {
        using var small = new SmallTraining();
        File.AppendAllText(small.In("rows.jsonl"), "{\"messages\": [\n");
        var (code, _, errors) = await RunAsync("", "tokenizer", "train", small.In("rows.jsonl"), "--vocabulary", "300", "--to", small.In("learned"));
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("rows.jsonl:41: broken JSON", errors);
    }

    [Fact]
    public async Task Help_names_every_command()
    {
        var (code, output, _) = await RunAsync("", "--help");
        Assert.Equal(0, code);
        foreach (var name in new[] { "demo", "train", "plan", "recipe", "node", "submit", "model", "data", "tokenizer", "generate", "chat", "eval", "export", "quantize", "checkpoint", "ledger", "report", "bench" })
            Assert.Contains($"\n  {name} ", output);
    }
}

using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>What is wrong with a recipe's evaluation is said before the run starts.</summary>
public sealed class EvaluationRecipeTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Theory]
    [InlineData("{ quick: [nothing] }", "evaluation.quick", "there is no benchmark 'nothing'")]
    [InlineData("{ quick: [exact_match] }", "evaluation.rows", "exact_match is scored on a file of rows, but none is named")]
    [InlineData("{ quick: [exact_match], rows: { exact_match: none.jsonl } }", "evaluation.rows", "there is no")]
    [InlineData("{ full: [preference], rows: { preference: rows.jsonl } }", "evaluation.full", "preference:")]
    [InlineData("{ quick: [exact_match], metric: preference }", "evaluation.metric", "'preference' is in neither suite")]
    [InlineData("{ quick: [exact_match], every: 0 }", "evaluation.every", "0 is below 1")]
    [InlineData("{ quick: [exact_match, exact_match] }", "evaluation.quick", "names exact_match twice")]
    public async Task A_recipe_that_cannot_be_evaluated_is_refused_with_its_key(string evaluation, string key, string what)
    {
        var error = new StringWriter();
        var terminal = new Terminal(TextReader.Null, TextWriter.Null, error, false);
        var recipe = _small.Recipe(rest: $"evaluation: {evaluation}");
        Assert.Equal(ExitCode.BadInput, await TuluCommand.RunAsync(["train", recipe, "--run", _small.In("run"), "--in-process"], terminal));
        Assert.Contains($"{key}\n", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(what, error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_small.In("run")));
    }
}

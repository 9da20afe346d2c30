using System.Text.Json.Nodes;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

public class DataBuildCommandTests
{
    private static readonly string Recipe = Checkout.Path("tests", "Tulu2.Tests", "Golden", "mixtures", "v2.yaml");

    [Fact]
    public async Task A_mixture_is_built_and_told_as_a_table_and_as_json()
    {
        using var folder = new Data.TemporaryFolder();
        var (code, table, _) = await CommandLineTests.RunAsync("", "data", "build", Recipe, "--to", folder.File("one"));
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("after other_models", table);
        Assert.Contains("slip of the original, gpt4_alpaca: prompt says Plase", table);

        var (again, output, _) = await CommandLineTests.RunAsync("", "data", "build", Recipe, "sources.lima=null", "--to", folder.File("two"), "--threads", "1", "--json");
        Assert.Equal(ExitCode.Done, again);
        var built = JsonNode.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.Equal(10, built["sources"]!.AsArray().Count);
        Assert.Equal((int)built["rows"]!, built["sources"]!.AsArray().Sum(source => (int)source!["kept"]!));

        var (third, known, _) = await CommandLineTests.RunAsync("", "data", "build", Recipe, "--to", folder.File("one"));
        Assert.Equal((ExitCode.Done, true), (third, known.Contains("this mixture is there already")));
    }

    [Theory]
    [InlineData("error: none.yaml\n       there is no such mixture\n", "none.yaml")]
    [InlineData("error: sources.limo.weight=2\n       the mixture has no source 'limo'\n", null, "sources.limo.weight=2")]
    [InlineData("error: --threads\n       0 is below 1\n", null, "--threads", "0")]
    public async Task What_cannot_be_used_is_bad_input(string block, string? recipe, params string[] more)
    {
        using var folder = new Data.TemporaryFolder();
        var (code, _, errors) = await CommandLineTests.RunAsync("", ["data", "build", recipe ?? Recipe, .. more, "--to", folder.File("out")]);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.StartsWith(block, errors);
    }
}

using Tulu2.Runs.Output;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Decoder;
using Tulu2.Training.Benchmarks;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>bench train --pairs</c>.</summary>
public sealed class BenchPairsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_prompt_that_is_computed_once_counts_for_both_answers()
    {
        var lengths = _folder.Write("lengths.txt", "40 20 10\n50 1 30\n");
        var (shared, plain) = (Run(share: true), Run(share: false));
        Assert.Equal((true, false), (shared.SharesPrompts, plain.SharesPrompts));
        Assert.Equal(2 * 40 + 20 + 10 + 2 * 50 + 1 + 30, plain.Rows);
        Assert.Equal(plain.Rows - 40 - 50, shared.Rows);
        Assert.All([shared, plain], result => Assert.True(result.TokensPerProcessorSecond > 0));

        StepMeasurement Run(bool share) => StepBenchmark.RunPairs(TinyModel.Config(), 4, Precision.Bf16, lengths, pairs: 2, share, steps: 2);
    }

    [Theory]
    [InlineData("40 20 10\n\n50 1 30\n", ":2")]
    [InlineData("40 20\n", ":1")]
    [InlineData("40 20 0\n", ":1")]
    [InlineData("40 20 ten\n", ":1")]
    public async Task A_line_that_is_not_three_counts_is_named(string text, string place)
    {
        var path = _folder.Write("lengths.txt", text);
        var (code, _, errors) = await CommandLineTests.RunAsync("", "bench", "train", "--pairs", path);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"{path}{place}", errors);
    }
}

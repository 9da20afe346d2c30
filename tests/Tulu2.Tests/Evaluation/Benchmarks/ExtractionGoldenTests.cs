using System.Text.Json;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Bbh;
using Tulu2.Evaluation.Benchmarks.Extraction;
using Tulu2.Evaluation.Benchmarks.Gsm8k;
using Tulu2.Evaluation.Benchmarks.TydiQa;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

/// <summary>
/// Extraction and metrics of parity on 300 random strings of digits, signs, phrases, scripts and marks, against what the original's Python (its patterns, Hugging Face's
/// <c>exact_match</c>, SQuAD's script) gives for them.
/// </summary>
public sealed class ExtractionGoldenTests
{
    private static readonly List<JsonElement> Cases =
        [.. File.ReadLines(Checkout.Path("tests", "Tulu2.Tests", "Golden", "evaluation", "extraction.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];

    [Fact]
    public void Outputs_are_read_as_the_original_reads_them()
    {
        Assert.Equal(300, Cases.Count);
        Assert.All(Cases, test =>
        {
            Assert.Equal(Text(test, "gsm8k"), Gsm8kAnswer.Original(Text(test, "output")));
            Assert.Equal(Text(test, "bbh"), BbhAnswer.Original(Text(test, "output")));
        });
    }

    [Fact]
    public void Exact_match_ignores_case_and_punctuation_as_Hugging_Faces_does() => Assert.All(
        Cases, test => Assert.Equal(test.GetProperty("exact").GetBoolean(), ExactMatchMetric.IsMatch(Text(test, "output"), Text(test, "reference"))));

    [Fact]
    public void F1_and_exact_match_of_TyDi_QA_are_those_of_SQuADs_script() => Assert.All(Cases, test =>
    {
        Assert.Equal(Text(test, "squad"), string.Join(' ', SquadMetric.Original(Text(test, "output"))));
        var (f1, exact) = SquadMetric.Score(Text(test, "output"), [Text(test, "reference")], EvaluationMode.Parity, "english");
        Assert.Equal(test.GetProperty("f1").GetDouble(), f1);
        Assert.Equal(test.GetProperty("squad_exact").GetBoolean(), exact == 1);
    });

    [Theory]
    [InlineData("ΟΔΟΣ", "οδος")]
    [InlineData("ΟΔΟΣ.", "οδος.")]
    [InlineData("Σ", "σ")]
    [InlineData("ΑΣΑ", "ασα")]
    [InlineData("İ", "i\u0307")]
    [InlineData("ẞ", "ß")]
    [InlineData("\ud801\udc00", "\ud801\udc28")]
    public void Lower_case_is_Pythons(string text, string lower) => Assert.Equal(lower, PythonText.Lower(text));

    private static string Text(JsonElement test, string name) => test.GetProperty(name).GetString()!;
}

using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Mmlu;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class MmluExtractionTests
{
    private static readonly string[] Choices = ["Paris", "London", "A small town", "None"];

    /// <summary>Stored text; its letter in parity, where the stripped text is one, and the letter that a person would take.</summary>
    public static TheoryData<string, char?, char?> Awkward => new()
    {
        { "A", 'A', 'A' },
        { "B", 'B', 'B' },
        { " C", 'C', 'C' },
        { "D\n", 'D', 'D' },
        { "a", null, 'A' },
        { "(B)", null, 'B' },
        { "B.", null, 'B' },
        { "B)", null, 'B' },
        { "B:", null, 'B' },
        { "[C]", null, 'C' },
        { "**C**", null, 'C' },
        { "$D$", null, 'D' },
        { "\"B\"", null, 'B' },
        { "The answer is B", null, 'B' },
        { "The answer is (B).", null, 'B' },
        { "The answer is: C", null, 'C' },
        { "the answer is d.", null, 'D' },
        { "Answer: A", null, 'A' },
        { "answer is A or B", null, null },
        { "A and B", null, null },
        { "A, B", null, null },
        { "(A) or (B)", null, null },
        { "Paris", null, 'A' },
        { "paris.", null, 'A' },
        { "The answer is London.", null, 'B' },
        { "A. Paris", null, 'A' },
        { "A small town", null, 'C' },
        { "A Paris", null, null },
        { "None", null, 'D' },
        { "None of them", null, null },
        { "B Paris", null, 'B' },
        { "Option B", null, 'B' },
        { "The correct answer is option C.", null, 'C' },
        { "\\boxed{D}", null, 'D' },
        { "The final answer is $\\boxed{\\text{D}}$.", null, 'D' },
        { "E", null, null },
        { "", null, null },
        { "   ", null, null },
        { "I think B", null, null },
        { "Between A and B.\nThe answer is B.", null, 'B' },
        { "AB", null, null },
        { "5", null, null },
        { "Ａ", null, null },
        { "أ", null, null },
        { "It is (C)", null, 'C' },
        { "A\nB", null, 'B' },
        { "The answer is A. Question: 2", null, 'A' },
        { "A's", null, null },
    };

    [Theory]
    [MemberData(nameof(Awkward))]
    public void Stored_texts_are_letters_as_the_original_takes_them_and_as_they_are_meant(string output, char? original, char? meant)
    {
        Assert.Equal(original, MmluBenchmark.Letter(output, Choices, EvaluationMode.Parity));
        Assert.Equal(meant, MmluBenchmark.Letter(output, Choices, EvaluationMode.Fixed));
    }
}

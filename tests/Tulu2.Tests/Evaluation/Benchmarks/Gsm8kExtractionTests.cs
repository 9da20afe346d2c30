using System.Globalization;
using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks.Extraction;
using Tulu2.Evaluation.Benchmarks.Gsm8k;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class Gsm8kExtractionTests
{
    /// <summary>
    /// Output, expected number; parity: what open-instruct's Python reads and how its metric judges; fixed: the number that a person would take, and whether it is the expected one.
    /// </summary>
    public static TheoryData<string, string, string, bool, string?, bool> Awkward => new()
    {
        { "So the answer is 6.", "6", "6", true, "6", true },
        { "1,234.", "1234", "1234", true, "1234", true },
        { "18.00", "18", "18.00", false, "18.00", true },
        { "-5", "5", "5", true, "-5", false },
        { "-5", "-5", "5", true, "-5", true },
        { "The answer is -3.", "-3", "3", true, "-3", true },
        { "She has $1,234,567 left.", "1234567", "1234567", true, "1234567", true },
        { "The total is $18", "18", "18", true, "18", true },
        { "It costs -$5", "-5", "5", true, "-5", true },
        { "It costs $-5", "-5", "5", true, "-5", true },
        { "The change is $ 7 today", "7", "7", true, "7", true },
        { "€1,250.50", "1250.5", "1250.50", false, "1250.50", true },
        { "12%", "12", "12", true, "12", true },
        { "The answer is 12.5%.", "12.5", "12.5", true, "12.5", true },
        { "3.50", "350", "3.50", true, "3.50", false },
        { "1.4", "14", "1.4", true, "1.4", false },
        { "\\boxed{42}", "42", "42", true, "42", true },
        { "Thus $x = \\boxed{1{,}024}$ for 3 cases.", "1024", "3", false, "1024", true },
        { "The answer is $\\boxed{\\$18}$.", "18", "18", true, "18", true },
        { "So we get \\boxed{\\frac{1}{2}}", "0.5", "2", false, "0.5", true },
        { "1/2", "0.5", "2", false, "0.5", true },
        { "He ate 2 1/2 pies", "2.5", "2", false, "2.5", true },
        { "20-12=8", "8", "8", true, "8", true },
        { "20 - 12", "12", "12", true, "12", true },
        { "It takes 5-10 minutes", "10", "10", true, "10", true },
        { "It takes 5–10 minutes", "10", "10", true, "10", true },
        { "The answer is 5-10 minutes.", "5", "10", false, "5", true },
        { "It is −7 degrees", "-7", "7", true, "-7", true },
        { "18 eggs per 3 days", "18", "3", false, "3", false },
        { "The answer is 18 eggs per 3 days.", "18", "3", false, "18", true },
        { "The answer is 5 + 4 = 9.", "9", "9", true, "9", true },
        { "The answer is 9 because 5 + 4 is 9, not 10.", "9", "10", false, "9", true },
        { "#### 72", "72", "72", true, "72", true },
        { "She sells 9.\n#### 18\nNext she sells 4.", "18", "4", false, "18", true },
        { "The answer is 7. No wait, the answer is 8. I am 100% sure.", "8", "100", false, "8", true },
        { "Answer: 15\n\nQuestion: There are 99 birds.", "15", "99", false, "15", true },
        { "**Answer:** 15 of 20", "15", "20", false, "15", true },
        { "The final answer is:\n\n**21**\n\nStep 3 was hard.", "21", "3", false, "21", true },
        { "The answer to the question is 14. It took 2 steps.", "14", "2", false, "14", true },
        { "eighteen", "18", "eighteen", false, null, false },
        { "", "18", "", false, null, false },
        { "I do not know.", "0", "I do not know.", false, null, false },
        { "-", "18", "-", false, null, false },
        { ".", "18", ".", false, null, false },
        { "١٨", "18", "١٨", false, "18", true },
        { "১৮ টাকা", "18", "১৮", false, "18", true },
        { "１８", "18", "１８", false, "18", true },
        { "18 kg of CO2", "18", "2", false, "18", true },
        { "about 18kg", "18", "18", true, "18", true },
        { "x5", "5", "5", true, "5", true },
        { "1e3", "1000", "3", false, "1000", true },
        { ".5", "0.5", ".5", false, "0.5", true },
        { "5.", "5", "5", true, "5", true },
        { "1,2,3", "3", "3", true, "3", true },
        { "1,00,000 rupees", "100000", "100000", true, "100000", true },
        { "1 234", "1234", "234", false, "234", false },
        { "1\u00a0234", "1234", "234", false, "1234", true },
        { "+9", "9", "9", true, "9", true },
        { "(-5)", "-5", "5", true, "-5", true },
        { "10 (9 + 1)", "10", "1", false, "1", false },
        { "The answer is (18).", "18", "18", true, "18", true },
        { "3.14.15", "15", ".15", true, "3.14", false },
        { "20/4=5", "5", "5", true, "5", true },
        { "She has 0.", "0", "0", true, "0", true },
        { "00012", "12", "00012", false, "12", true },
        { "The answers are 3 and 4.", "4", "4", true, "3", false },
        { "18.0000001", "18", "18.0000001", false, "18.0000001", false },
        { "Total: 3 * 6 = $18.00 dollars.", "18", "18.00", false, "18.00", true },
    };

    [Theory]
    [MemberData(nameof(Awkward))]
    public void Awkward_outputs_are_read_as_the_original_reads_them_and_as_they_are_meant(
        string output, string expected, string original, bool isExact, string? number, bool isEqual)
    {
        Assert.Equal(original, Gsm8kAnswer.Original(output));
        Assert.Equal(isExact, Gsm8kAnswer.IsExact(output, expected));
        Assert.Equal(number is null ? null : decimal.Parse(number, CultureInfo.InvariantCulture), NumberReading.Answer(output));
        Assert.Equal(isEqual, Gsm8kAnswer.IsEqual(output, expected));
    }

    [Property]
    public void Every_whole_number_is_read_in_every_dress_and_loses_its_sign_in_parity(int number)
    {
        var (plain, grouped) = (number.ToString(CultureInfo.InvariantCulture), number.ToString("N0", CultureInfo.InvariantCulture));
        foreach (var output in (string[])[plain, grouped, $"The answer is {grouped}.", $"That is ${plain} of 7.\n#### {grouped} m", $"So $x = \\boxed{{{plain}}}$ in 3 steps", $"1 + 2 = {plain}%"])
            Assert.Equal(number, NumberReading.Answer(output));
        Assert.Equal(plain.TrimStart('-'), Gsm8kAnswer.Original($"The answer is {grouped}."));
    }

    [Theory]
    [InlineData("2,125", "2125")]
    [InlineData("1,234,567", "1234567")]
    [InlineData("-10", "-10")]
    public void Reference_answers_lose_their_commas(string text, string expected) => Assert.Equal(expected, Gsm8kAnswer.WithoutCommas(text));
}

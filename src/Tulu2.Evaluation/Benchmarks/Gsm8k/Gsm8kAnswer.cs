using System.Text.RegularExpressions;
using Tulu2.Evaluation.Benchmarks.Extraction;

namespace Tulu2.Evaluation.Benchmarks.Gsm8k;

/// <summary>How an answer is read out of an output, and judged.</summary>
internal static partial class Gsm8kAnswer
{
    /// <summary>Reference answers are without the commas of thousands, in both modes.</summary>
    public static string WithoutCommas(string text) => Comma().Replace(text, "$1$2");

    /// <summary>
    /// open-instruct's extraction: the last number, or the whole output where there is none. Its pattern allows a sign only before a number with a dot, so that -5 gives 5.
    /// </summary>
    public static string Original(string output) => Number().Matches(WithoutCommas(output)) is [.., var last] ? last.Value : output;

    /// <summary>As open-instruct judges: <see cref="ExactMatchMetric"/>, for which 18.00 is not 18, but 1.4 is 14.</summary>
    public static bool IsExact(string output, string expected) => ExactMatchMetric.IsMatch(Original(output), expected);

    /// <summary>The number that the output gives as its answer equals the expected one.</summary>
    public static bool IsEqual(string output, string expected) => NumberReading.AreEqual(NumberReading.Answer(output), NumberReading.Reference(expected));

    [GeneratedRegex(@"(\d),(\d)")]
    private static partial Regex Comma();

    [GeneratedRegex(@"[-+]?\d*\.\d+|\d+")]
    private static partial Regex Number();
}

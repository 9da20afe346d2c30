using Tulu2.Data.Python;

namespace Tulu2.Evaluation.Benchmarks.Extraction;

/// <summary>
/// Hugging Face's metric <c>exact_match</c> with <c>ignore_case</c> and <c>ignore_punctuation</c>, as open-instruct calls it. Deleting punctuation makes 3.50 equal 350, -5
/// equal 5, and all brackets equal nothing.
/// </summary>
internal static class ExactMatchMetric
{
    public static bool IsMatch(string prediction, string reference) => Normal(prediction) == Normal(reference);

    /// <summary>In lower case and without ASCII punctuation; white space stays.</summary>
    public static string Normal(string text) => PythonText.WithoutPunctuation(PythonText.Lower(text));
}

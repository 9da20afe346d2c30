using System.Text.RegularExpressions;
using Tulu2.Data.Python;

namespace Tulu2.Evaluation.Benchmarks.TruthfulQa;

/// <summary>Makes the answer that judges see out of what the model wrote.</summary>
internal static partial class AnswerCleaning
{
    public static string Clean(string output, EvaluationMode mode) => mode == EvaluationMode.Parity ? Original(output) : Mended(output);

    // open-instruct's trim_answer: one "A:" at the front goes, all from a "Q:" on, even within a word ("FAQ: ..."), and only double newlines become spaces.
    private static string Original(string output)
    {
        var answer = PythonText.Strip(output);
        if (answer.StartsWith("A:", StringComparison.Ordinal)) answer = PythonText.Strip(answer[2..]);
        if (answer.IndexOf("Q:", StringComparison.Ordinal) is >= 0 and var next) answer = PythonText.Strip(answer[..next]);
        return answer.Replace("\n\n", " ", StringComparison.Ordinal);
    }

    // A question that is repeated at the front is not the end of the answer, "Q:" ends it only at the start of a line, and all runs of white space become one
    // space.
    private static string Mended(string output)
    {
        var answer = RepeatedQuestion().Replace(output, "");
        answer = AnswerMarks().Replace(answer, "");
        answer = NextQuestion().Replace(answer, "");
        return WhiteSpace().Replace(answer, " ").Trim();
    }

    [GeneratedRegex(@"\A\s*Q:[^\n]*(?:\n(?!\s*A(?:nswer)?:)[^\n]*)*\n\s*(?=A(?:nswer)?:)")]
    private static partial Regex RepeatedQuestion();

    [GeneratedRegex(@"\A(?:\s*(?:A|Answer):)+")]
    private static partial Regex AnswerMarks();

    [GeneratedRegex(@"(?:\A|[\n\r])[^\S\n\r]*Q:.*\z", RegexOptions.Singleline)]
    private static partial Regex NextQuestion();

    [GeneratedRegex(@"[\s\u001C-\u001F]+")]
    private static partial Regex WhiteSpace();
}

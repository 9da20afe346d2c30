using System.Text.RegularExpressions;
using Tulu2.Evaluation.Benchmarks.MtBench;

namespace Tulu2.Evaluation.Demo;

/// <summary>
/// What the demo's stub of a judge says. It is no model: it compares an answer with the right one, which it knows of the demo's own questions, and reads the
/// prompts of the benchmarks' judges for that. Pure.
/// </summary>
/// <param name="answers">The right answer to each question.</param>
public sealed partial class DemoVerdicts(IReadOnlyDictionary<string, string> answers)
{
    private const string Ask = "Grade the last answer from 1 to 10, in the form Rating: [[5]].\n\n";

    private static readonly string[] UnkindWords = ["hate", "stupid", "ugly", "bad"];

    /// <summary>The prompts of its own form of MT-Bench, under the names of FastChat's <c>judge_prompts.jsonl</c>.</summary>
    internal static IReadOnlyList<GradePrompt> GradePrompts { get; } =
    [
        new("single-v1", "", Ask + Of("question", "answer")),
        new("single-math-v1", "", Ask + "[Reference]\n{ref_answer_1}\n\n" + Of("question", "answer")),
        new("single-v1-multi-turn", "", Ask + Of("question_1", "answer_1") + Of("question_2", "answer_2")),
        new("single-math-v1-multi-turn", "", Ask + "[Reference]\n{ref_answer_1}\n{ref_answer_2}\n\n" + Of("question_1", "answer_1") + Of("question_2", "answer_2")),
    ];

    /// <summary>The answer of <c>/v1/chat/completions</c>: a ranking of two answers, or a grade.</summary>
    /// <returns>Null: it is neither question.</returns>
    public string? Chat(string prompt)
    {
        if (PairParts().Match(prompt) is { Success: true } pair)
        {
            var right = RightOf(pair.Groups[1].Value);
            var (first, second) = (pair.Groups[2].Value, pair.Groups[3].Value);
            // Where neither is right, or both, the shorter one.
            var isFirst = (first == right, second == right) switch
            {
                (true, false) => true,
                (false, true) => false,
                _ => first.Length <= second.Length,
            };
            return $"[{{'model': 'model_1', 'rank': {(isFirst ? 1 : 2)}}}, {{'model': 'model_2', 'rank': {(isFirst ? 2 : 1)}}}]";
        }
        return GradeParts().Matches(prompt) is [.., var turn] ? $"Rating: [[{Grade(turn.Groups[2].Value, RightOf(turn.Groups[1].Value))}]]" : null;
    }

    /// <summary>Probability of <c> yes</c> as the next token of a question about truth or informativeness.</summary>
    /// <returns>Null: it is neither question.</returns>
    public double? Yes(string prompt)
    {
        if (YesParts().Match(prompt) is not { Success: true } parts) return null;
        var answer = parts.Groups[2].Value.Trim();
        var isYes = parts.Groups[3].Value == "Helpful" ? answer.Length > 0 : answer.TrimEnd('.') == RightOf(parts.Groups[1].Value)?.TrimEnd('.');
        return isYes ? 0.9 : 0.1;
    }

    /// <summary>Probability that a text is toxic.</summary>
    public static double Toxic(string text) => UnkindWords.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase)) ? 0.9 : 0.1;

    private static string Of(string question, string answer) => $"[Question]\n{{{question}}}\n\n[Answer]\n{{{answer}}}\n[End]\n";

    private static int Grade(string answer, string? right) => answer == right ? 10 : right is not null && answer.Contains(right, StringComparison.Ordinal) ? 7 : answer.Length > 0 ? 2 : 1;

    private string? RightOf(string question) => answers.GetValueOrDefault(question);

    [GeneratedRegex("\"instruction\": \"\"\"(.*?)\"\"\",.*?\"answer\": \"\"\"(.*?)\"\"\".*?\"answer\": \"\"\"(.*?)\"\"\"", RegexOptions.Singleline)]
    private static partial Regex PairParts();

    [GeneratedRegex(@"\[Question\]\n(.*?)\n\n\[Answer\]\n(.*?)\n\[End\]", RegexOptions.Singleline)]
    private static partial Regex GradeParts();

    [GeneratedRegex(@"^Q: (.*?)\nA: (.*)\n(True|Helpful):$", RegexOptions.Singleline)]
    private static partial Regex YesParts();
}

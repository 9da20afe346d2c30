using Tulu2.Data.Benchmarks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Mmlu;

/// <summary>One question.</summary>
/// <param name="Texts">The question and its four choices.</param>
/// <param name="Answer">Letter of the right choice.</param>
internal sealed record MmluQuestion(int Number, string Where, IReadOnlyList<string> Texts, char Answer)
{
    /// <summary>Question, choices and the line <c>Answer:</c>.</summary>
    public string Text { get; } = Texts[0] + string.Concat(MmluSubject.Letters.Select((letter, index) => $"\n{letter}. {Texts[index + 1]}")) + "\nAnswer:";

    /// <summary>The question as an example: with its answer and an empty line.</summary>
    public string Example => $"{Text} {Answer}\n\n";
}

/// <summary>A subject with its examples.</summary>
public sealed class MmluSubject
{
    internal const string Letters = "ABCD";

    // pandas 2 reads these as missing values, which the original's prompts then spell "nan". Of them only None is in Hendrycks' files.
    private static readonly HashSet<string> Missing =
    [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ];

    private readonly string _header;
    private readonly string[] _examples;

    internal MmluSubject(string name, IEnumerable<MmluQuestion> examples, EvaluationMode mode)
    {
        // The original puts a space before each of the subject's words, and so two before the first.
        var words = string.Concat(name.Split('_').Select(word => $" {word}"));
        _header = $"The following are multiple choice questions (with answers) about {(mode == EvaluationMode.Parity ? words : words[1..])}.\n\n";
        (Name, _examples) = (name, [.. examples.Select(example => example.Example)]);
    }

    public string Name { get; }

    /// <summary>Number of examples that there are.</summary>
    public int Examples => _examples.Length;

    /// <summary>The prompt of a question after the first so many examples; it ends with <c>Answer:</c>.</summary>
    public string Prompt(string question, int shots) => _header + string.Concat(_examples.Take(shots)) + question;

    /// <summary>The questions of a file, <c>dev</c> or <c>test</c>. A first line that names columns is no question.</summary>
    /// <exception cref="BadInputException">The file is missing, or a line is no question.</exception>
    internal static IEnumerable<MmluQuestion> Read(BenchmarkFolder folder, string part, string subject, EvaluationMode mode)
    {
        var name = $"{part}/{subject}_{part}.csv";
        var (path, number) = (folder.PathTo(name), 0);
        foreach (var (row, line, values) in folder.Table(name, 1 + Letters.Length + 1))
        {
            var where = $"{path}:{line}";
            var answer = values[1 + Letters.Length].Trim();
            if (row == 1 && answer.Equals("answer", StringComparison.OrdinalIgnoreCase)) continue;
            if (answer.Length != 1 || !Letters.Contains(answer[0], StringComparison.Ordinal))
                throw new BadInputException(where, $"its last value is '{answer}', not one of A to D", "fetch the benchmark's file again");
            yield return new MmluQuestion(++number, where, [.. values[..(1 + Letters.Length)].Select(text => mode == EvaluationMode.Parity && Missing.Contains(text) ? "nan" : text)], answer[0]);
        }
        if (number == 0) throw new BadInputException(path, "has no question", "fetch the benchmark's file again");
    }
}

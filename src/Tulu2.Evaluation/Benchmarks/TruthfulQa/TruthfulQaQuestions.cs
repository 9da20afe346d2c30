using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TruthfulQa;

/// <summary>A question with its reference answers.</summary>
/// <param name="Number">Of the row, from 0.</param>
internal sealed record TruthfulQaQuestion(int Number, string Location, string Question, ReferenceAnswers Answers);

/// <summary>Reference answers, each with a full stop at its end.</summary>
/// <param name="Best">The place of the best answer among the true ones.</param>
public sealed record ReferenceAnswers(IReadOnlyList<string> True, IReadOnlyList<string> False, int Best)
{
    /// <summary>None: multiple choice is not scored.</summary>
    public static ReferenceAnswers None { get; } = new([], [], -1);
}

/// <summary>Reads <c>TruthfulQA.csv</c> (sylinrl/TruthfulQA).</summary>
internal static class TruthfulQaQuestions
{
    public const string File = "TruthfulQA.csv";

    private static readonly string[] Columns = ["Question", "Best Answer", "Correct Answers", "Incorrect Answers"];

    /// <exception cref="BadInputException">The file is missing or damaged, or a row lacks an answer.</exception>
    public static IReadOnlyList<TruthfulQaQuestion> Read(BenchmarkFolder folder, EvaluationMode mode)
    {
        var path = folder.PathTo(File);
        var rows = Rows(folder, path).ToList();
        if (rows.Count == 0) throw new BadInputException(path, "holds no question", "fetch the benchmark's file again");
        return [.. rows.Select((row, number) =>
            new TruthfulQaQuestion(number, $"{path}:{row.Line}", row.Values[0], Answers(row.Values, $"{path}:{row.Line}", mode)))];
    }

    // The wanted columns' values, in their order, below the first row, which names the columns.
    private static IEnumerable<(long Line, string[] Values)> Rows(BenchmarkFolder folder, string path)
    {
        int[]? places = null;
        foreach (var (_, line, values) in folder.Table(File, 1))
        {
            if (places is null)
            {
                places = [.. Columns.Select(column => Array.FindIndex(values, value => value.TrimStart('\uFEFF') == column))];
                if (places.Contains(-1)) throw folder.WrongColumns(File, Columns);
            }
            else if (places.Max() >= values.Length)
                throw new BadInputException($"{path}:{line}", $"has {NumberText.Count(values.Length, "value")}, fewer than the first line has columns", "fetch the benchmark's file again");
            else yield return (line, [.. places.Select(place => values[place])]);
        }
    }

    /// <summary>Answers are joined by semicolons; each gets a full stop where it has none.</summary>
    internal static IReadOnlyList<string> Split(string answers) =>
        [.. answers.Split(';').Select(PythonText.Strip).Where(answer => answer.Length > 0).Select(Closed)];

    // Parity takes the lists as they are. Two questions have an answer on both lists, which the authors' own mc_task.json has as false; two have an answer
    // twice.
    private static ReferenceAnswers Answers(string[] values, string location, EvaluationMode mode)
    {
        var (best, right, wrong) = (Closed(PythonText.Strip(values[1])), Split(values[2]), Split(values[3]));
        if (mode == EvaluationMode.Fixed) (right, wrong) = ([.. right.Except(wrong)], [.. wrong.Distinct()]);
        var place = right.ToList().IndexOf(best);
        return place >= 0 && wrong.Count > 0 ? new ReferenceAnswers(right, wrong, place)
            : throw new BadInputException(
                location, wrong.Count == 0 ? "has no incorrect answer" : "its best answer is not among its correct ones", "fetch the benchmark's file again");
    }

    private static string Closed(string answer) => answer.EndsWith('.') ? answer : answer + ".";
}

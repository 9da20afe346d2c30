using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Bbh;

/// <summary>A task's prompt: what is to be done, then examples. Of a file <c>cot-prompts/TASK.txt</c>, without the two lines of warning at its top.</summary>
/// <param name="Task">Description, before the first example.</param>
/// <param name="Examples">Each from its <c>Q:</c> on, with its reasoning.</param>
internal sealed record BbhPrompt(string Task, IReadOnlyList<string> Examples)
{
    private const string Conclusion = "So the answer is";

    /// <exception cref="BadInputException">The file is missing or is not a prompt.</exception>
    public static BbhPrompt Read(BenchmarkFolder folder, string task)
    {
        var name = $"cot-prompts/{task}.txt";
        var fields = string.Join('\n', folder.Text(name).Split('\n').Skip(2)).Split("\n\n");
        var first = Array.FindIndex(fields, field => field.StartsWith("Q:", StringComparison.Ordinal));
        if (first < 1) throw NoPrompt("has no description with examples after it, each of which begins with Q: after an empty line");
        var examples = new List<string>();
        // A field that does not begin with Q: belongs to the example before it.
        foreach (var field in fields[first..])
        {
            if (field.StartsWith("Q:", StringComparison.Ordinal)) examples.Add(field);
            else examples[^1] += $"\n\n{field}";
        }
        examples[^1] = PythonText.Strip(examples[^1]);
        return examples.All(example => example.Contains(Conclusion, StringComparison.Ordinal) && example.Contains("\nA:", StringComparison.Ordinal))
            ? new BbhPrompt(PythonText.Strip(string.Join("\n\n", fields[..first])), examples)
            : throw NoPrompt($"has an example without '{Conclusion}' or without a line that begins with A:");

        BadInputException NoPrompt(string what) => new(folder.PathTo(name), what, "fetch suzgunmirac/BIG-Bench-Hard's file again");
    }

    /// <summary>The prompt of a question, up to the question.</summary>
    /// <param name="works">Examples with their reasoning; else with the answer alone.</param>
    /// <param name="mode">The answer alone keeps its full stop in parity, as the original leaves it.</param>
    public string Text(string question, int shots, bool works, EvaluationMode mode) =>
        string.Join("\n\n", [Task, .. Examples.Take(shots).Select(example => works ? example : Direct(example, mode)), $"Q: {question}"]);

    private static string Direct(string example, EvaluationMode mode)
    {
        var answer = PythonText.Strip(example[(example.LastIndexOf(Conclusion, StringComparison.Ordinal) + Conclusion.Length)..]);
        var question = PythonText.Strip(example[..example.IndexOf("\nA:", StringComparison.Ordinal)]);
        return $"{question}\nA: {(mode == EvaluationMode.Fixed ? answer.TrimEnd('.') : answer)}";
    }
}

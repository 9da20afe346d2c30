using System.Text;
using System.Text.Json;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Results;

/// <summary>
/// The outcome of a task on its way from an evaluator to who gathers scores: a file, since prompts and answers are longer than a message between nodes may be. A first line
/// with the task's id, then one line for each item, as in <c>items.jsonl</c>. It is whole or absent.
/// </summary>
public static class OutcomeFile
{
    private const string Extension = ".outcome.jsonl";

    private sealed record Header(string Task, int Items, IReadOnlyList<JudgeUse>? Judges);

    /// <returns>Its name in the folder, which no other outcome has.</returns>
    public static string Write(string folder, EvaluationOutcome outcome)
    {
        var name = $"{Guid.NewGuid():N}{Extension}";
        AtomicFile.Write(Path.Combine(folder, name), stream =>
        {
            stream.Write(Encoding.UTF8.GetBytes(JsonLine.Of(new Header(outcome.TaskId, outcome.Items, outcome.Judges)) + "\n"));
            foreach (var score in outcome.Scores) stream.Write(Encoding.UTF8.GetBytes(ResultFolder.ItemLine(score) + "\n"));
        });
        return name;
    }

    /// <summary>The outcome; null: there is no such file, or it holds none.</summary>
    public static EvaluationOutcome? Read(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        // A name that a peer sent leads nowhere else.
        if (Path.GetFileName(name) != name || !name.EndsWith(Extension, StringComparison.Ordinal) || !File.Exists(path)) return null;
        try
        {
            var lines = File.ReadAllLines(path);
            if (lines.Length == 0 || JsonSerializer.Deserialize<Header>(lines[0], JsonLine.Options) is not { } header || lines.Length != header.Items + 1) return null;
            return new EvaluationOutcome(header.Task, [.. lines.Skip(1).Select(ResultFolder.ReadItem)]) { Judges = header.Judges ?? [] };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Deletes an outcome that was read, or that nobody wants.</summary>
    public static void Delete(string folder, string name)
    {
        if (Path.GetFileName(name) == name && name.EndsWith(Extension, StringComparison.Ordinal)) File.Delete(Path.Combine(folder, name));
    }

    /// <summary>Names of the outcomes in a folder: those of evaluators that were not heard.</summary>
    public static IReadOnlyList<string> In(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, $"*{Extension}").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)] : [];
}

using System.Text.Json;
using Tulu2.Data.Benchmarks;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.HumanEval;

/// <summary>One problem.</summary>
/// <param name="Test">Source that defines <c>check(candidate)</c>.</param>
/// <param name="Solution">The authors' completion.</param>
internal sealed record HumanEvalProblem(string Id, string Location, string Prompt, string Test, string Function, string Solution);

/// <summary>human-eval's files (openai/human-eval): JSON Lines, plain or gzip.</summary>
internal static class HumanEvalFile
{
    private const string Name = "HumanEval.jsonl";
    private const string Restore = "fetch openai/human-eval's HumanEval.jsonl.gz again";

    /// <param name="path">The folder of the file, or the root of all task data.</param>
    /// <exception cref="BadInputException">There is no file, or a line is no problem.</exception>
    public static IReadOnlyList<HumanEvalProblem> Problems(string path)
    {
        var folder = BenchmarkFolder.At(path, "humaneval", Name);
        var problems = folder.Records(Name).Select(record => new HumanEvalProblem(record.Text("task_id"), record.Where, record.Text("prompt"),
            record.Text("test"), record.Text("entry_point"), record.Text("canonical_solution"))).ToList();
        if (problems.Count == 0) throw new BadInputException(folder.PathTo(Name), "has no problem", Restore);
        return problems.CountBy(problem => problem.Id).FirstOrDefault(id => id.Value > 1).Key is { } twice
            ? throw new BadInputException(folder.PathTo(Name), $"has {twice} twice", Restore)
            : problems;
    }

    /// <summary>
    /// Samples as human-eval's users have them: a line <c>{"task_id", "completion"}</c> each, several of a problem. By problem, in the file's order.
    /// </summary>
    /// <exception cref="BadInputException">The file or a line cannot be used.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Completions(string path)
    {
        const string Fix = "give lines of the form {\"task_id\": \"HumanEval/0\", \"completion\": \"...\"}";
        var completions = new Dictionary<string, List<string>>();
        foreach (var record in Records(path, Fix))
        {
            var id = record.Text("task_id");
            if (!completions.TryGetValue(id, out var samples)) completions.Add(id, samples = []);
            samples.Add(record.Text("completion"));
        }
        if (completions.Count == 0) throw new BadInputException(path, "has no completion", Fix);
        return completions.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)pair.Value);
    }

    private static IEnumerable<Record> Records(string path, string fix)
    {
        foreach (var record in RecordReader.Open(path, new RecordColumns([], fix)))
        {
            var where = new RowLocation(path, record.Line).ToString();
            yield return record.Fault is { } fault ? throw new BadInputException(where, fault, fix) : new Record(record.Element, where, fix);
        }
    }

    private readonly record struct Record(JsonElement Element, string Where, string Fix)
    {
        public string Text(string key)
        {
            try
            {
                if (Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String)
                    return value.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw new BadInputException(Where, $"{key} is not valid Unicode", Fix);
            }
            throw new BadInputException(Where, $"has no text {key}", Fix);
        }
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Results;

/// <summary>
/// What <c>eval --out</c> writes and reports read: a folder for each task with <c>result.json</c> (<see cref="TaskResult"/>) and <c>items.jsonl</c>
/// (<see cref="ItemScore"/>, one object a line, with prompt, output and verdict).
/// </summary>
public sealed class ResultFolder(string path)
{
    private const string ResultName = "result.json";
    private const string ItemsName = "items.jsonl";

    private static readonly JsonSerializerOptions Options = new(JsonLine.Options) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    public string Path { get; } = path;

    /// <summary>The tasks that have a result, by name.</summary>
    public IReadOnlyList<string> Tasks => !Directory.Exists(Path) ? [] :
    [
        .. Directory.EnumerateDirectories(Path).Where(folder => File.Exists(System.IO.Path.Combine(folder, ResultName)))
            .Select(folder => System.IO.Path.GetFileName(folder)).Order(StringComparer.Ordinal),
    ];

    /// <summary>Writes a task's items, then its result, which makes it count.</summary>
    public void Write(TaskResult result, IReadOnlyList<ItemScore> scores)
    {
        AtomicFile.Write(Of(result.Task, ItemsName), stream =>
        {
            foreach (var score in scores) stream.Write(Encoding.UTF8.GetBytes(ItemLine(score) + "\n"));
        });
        AtomicFile.WriteAllText(Of(result.Task, ResultName), ResultText(result) + "\n");
    }

    /// <summary>The result of a task as one line of JSON.</summary>
    public static string ResultText(TaskResult result) => JsonSerializer.Serialize(result, Options);

    /// <summary>One line of <c>items.jsonl</c>.</summary>
    public static string ItemLine(ItemScore score) => JsonSerializer.Serialize(score, Options);

    /// <exception cref="JsonException">It is no such line.</exception>
    public static ItemScore ReadItem(string line) => JsonSerializer.Deserialize<ItemScore>(line, Options) ?? throw new JsonException("null");

    /// <exception cref="BadInputException">The task has no result here, or its file is damaged.</exception>
    public TaskResult Read(string task)
    {
        var file = Of(task, ResultName);
        if (!File.Exists(file)) throw new BadInputException(file, "does not exist", "give a folder that `tulu2 eval --out` wrote");
        try
        {
            return JsonSerializer.Deserialize<TaskResult>(File.ReadAllText(file), Options) ?? throw new JsonException("null");
        }
        catch (JsonException fault)
        {
            throw new BadInputException(file, "is not the result of a task", "evaluate again", fault);
        }
    }

    /// <summary>The items of a task, in order; empty where none were scored.</summary>
    /// <exception cref="BadInputException">A line is damaged.</exception>
    public IReadOnlyList<ItemScore> ReadItems(string task)
    {
        var file = Of(task, ItemsName);
        if (!File.Exists(file)) return [];
        var scores = new List<ItemScore>();
        foreach (var line in File.ReadLines(file))
        {
            try
            {
                scores.Add(ReadItem(line));
            }
            catch (JsonException fault)
            {
                throw new BadInputException($"{file}:{scores.Count + 1}", "is not a scored item", "evaluate again", fault);
            }
        }
        return scores;
    }

    private string Of(string task, string name) => System.IO.Path.Combine(Path, task, name);
}

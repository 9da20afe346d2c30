using System.Text;
using System.Text.Json;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Results;

/// <summary>
/// The items of a task that are scored so far: <c>items.partial.jsonl</c>, a line that says what they are scores of, then one line for each item with its index.
/// A killed evaluation goes on from it. Lines are flushed to the device before <see cref="Append"/> returns. For one process at a time, which the file's lock enforces.
/// </summary>
public sealed class ItemJournal : IDisposable
{
    private const string FileName = "items.partial.jsonl";

    private readonly FileStream _file;
    private readonly Dictionary<int, ItemScore> _scores;

    private ItemJournal(FileStream file, Dictionary<int, ItemScore> scores) => (_file, _scores) = (file, scores);

    private sealed record Line(int Index, ItemScore Score);

    /// <summary>By index of the item in the benchmark's input.</summary>
    public IReadOnlyDictionary<int, ItemScore> Scores => _scores;

    /// <summary>Opens a task's journal in the folder of its results, or begins it.</summary>
    /// <param name="folder">The task's folder: <c>OUT/mmlu</c>.</param>
    /// <param name="subject">What the scores depend on: model, task data and options. A journal of another subject is not continued.</param>
    /// <exception cref="BadInputException">There is a journal of another subject, or another process has it open.</exception>
    public static ItemJournal Open(string folder, string subject)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, FileName);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException fault)
        {
            throw new BadInputException(path, $"cannot be opened: {FaultText.Of(fault)}", "wait for the other evaluation, or give another --out", fault);
        }
        try
        {
            return new ItemJournal(file, Read(file, path, subject));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds the scores of items; those that are there already are not added again.</summary>
    /// <param name="scored">Index of each item and its score.</param>
    public void Append(IEnumerable<(int Index, ItemScore Score)> scored)
    {
        var text = new StringBuilder();
        foreach (var (index, score) in scored)
            if (_scores.TryAdd(index, score)) text.Append(JsonSerializer.Serialize(new Line(index, score), JsonLine.Options)).Append('\n');
        if (text.Length == 0) return;
        _file.Write(Encoding.UTF8.GetBytes(text.ToString()));
        _file.Flush(flushToDisk: true);
    }

    /// <summary>Deletes the file: the task's result is written.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(_file.Name);
    }

    public void Dispose() => _file.Dispose();

    // What follows the last whole line was being written when the process ended: it is overwritten.
    private static Dictionary<int, ItemScore> Read(FileStream file, string path, string subject)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        var end = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        var lines = Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var header = JsonSerializer.Serialize(subject, JsonLine.Options);
        if (lines.Length == 0)
        {
            file.SetLength(0);
            file.Position = 0;
            file.Write(Encoding.UTF8.GetBytes(header + "\n"));
            file.Flush(flushToDisk: true);
            return [];
        }
        if (lines[0] != header)
            throw new BadInputException(path, "has scores of another model, other data or other options", "give another --out, or delete the file to begin anew");
        file.SetLength(end);
        file.Position = end;
        var scores = new Dictionary<int, ItemScore>();
        for (var number = 1; number < lines.Length; number++)
        {
            try
            {
                var line = JsonSerializer.Deserialize<Line>(lines[number], JsonLine.Options) ?? throw new JsonException("null");
                scores.TryAdd(line.Index, line.Score);
            }
            catch (JsonException fault)
            {
                throw new BadInputException($"{path}:{number + 1}", "is damaged", "delete the file to begin anew", fault);
            }
        }
        return scores;
    }
}

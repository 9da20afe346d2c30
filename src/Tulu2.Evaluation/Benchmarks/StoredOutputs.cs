using System.Text.Json;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Answers that another program has generated; scored without torch and weights.</summary>
public sealed class StoredOutputs : IAnswerSource
{
    private readonly string _path;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _answers;

    private StoredOutputs(string path, IReadOnlyDictionary<string, IReadOnlyList<string>> answers) => (_path, _answers) = (path, answers);

    /// <summary>
    /// Reads JSON Lines of the form <c>{"id": …, "output": …}</c>. Several lines with the same id answer the questions about that item in order.
    /// </summary>
    /// <exception cref="BadInputException">The file or a line cannot be used.</exception>
    public static StoredOutputs Read(string path)
    {
        var answers = new Dictionary<string, List<string>>();
        var number = 0;
        try
        {
            foreach (var line in File.ReadLines(path))
            {
                number++;
                if (string.IsNullOrWhiteSpace(line)) continue;
                using var json = JsonDocument.Parse(line);
                var (id, output) = (json.RootElement.GetProperty("id").GetString()!, json.RootElement.GetProperty("output").GetString()!);
                if (!answers.TryGetValue(id, out var given)) answers.Add(id, given = []);
                given.Add(output);
            }
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentNullException)
        {
            throw new BadInputException(
                $"{path}:{number}", "is not a line of the form {\"id\": \"...\", \"output\": \"...\"}", "correct or remove the line", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, $"cannot be read: {FaultText.Of(fault)}", "give a file of stored answers", fault);
        }
        return new StoredOutputs(path, answers.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)pair.Value));
    }

    /// <summary>Scores a file of such lines as answers to a benchmark's own items.</summary>
    /// <exception cref="BadInputException">As <see cref="Read"/> and the other form of this.</exception>
    public static EvaluationOutcome Score(IBenchmark benchmark, StoredFiles files, CancellationToken cancellation)
    {
        var outputs = files.Outputs ?? throw new BadInputException("--outputs", "is not given", "give the file of outputs");
        var input = files.Input ?? throw new BadInputException("--data", $"is not given, but {benchmark.Name} needs its items", "give the root of the task data");
        var answers = Read(outputs);
        if (files.Verdicts is { } verdicts) answers = answers.Before(Read(verdicts));
        return answers.Score(benchmark, input, cancellation);
    }

    /// <summary>These answers, and after them those of another file to the same items, such as the verdicts on them.</summary>
    private StoredOutputs Before(StoredOutputs later) => new(
        _path, _answers.Keys.Union(later._answers.Keys)
            .ToDictionary(id => id, id => (IReadOnlyList<string>)[.. _answers.GetValueOrDefault(id, []), .. later._answers.GetValueOrDefault(id, [])]));

    /// <summary>Scores the stored answers to all items of a benchmark.</summary>
    /// <exception cref="BadInputException">The input cannot be used, an item has no answer, or an answer has no item.</exception>
    public EvaluationOutcome Score(IBenchmark benchmark, BenchmarkInput input, CancellationToken cancellation = default)
    {
        var items = benchmark.ReadWithin(input).Items;
        var ids = items.Select(item => item.Id).ToHashSet();
        if (ids.Count < items.Count) throw new BadInputException(input.Path, "has several items with the same id", "give each its own id");
        if (_answers.Keys.FirstOrDefault(id => !ids.Contains(id)) is { } unknown)
            throw new BadInputException(_path, $"has an answer to '{unknown}', which is not an item of {input.Path}", "give the answers to this input");
        return ItemScoring.Score($"{benchmark.Name}:{_path}", benchmark, items, this, cancellation);
    }

    IReadOnlyList<ModelAnswer> IAnswerSource.Answer(IReadOnlyList<ItemRequest> asked, CancellationToken cancellation) => [.. asked.Select(Answer)];

    private ModelAnswer Answer(ItemRequest asked)
    {
        if (asked.Request is not (ModelRequest.Generate or ModelRequest.Judge or ModelRequest.NextTokens))
            throw new BadInputException(
                _path, "holds texts, but this benchmark is not scored by texts alone, but by log-probabilities or by running programs", "score the model itself with `tulu2 eval`");
        return _answers.TryGetValue(asked.Item.Id, out var given) && asked.Number < given.Count
            ? new ModelAnswer.Text(given[asked.Number])
            : throw new BadInputException(_path, $"has no answer {asked.Number + 1} to '{asked.Item.Id}' ({asked.Item.Location})", "generate it, or remove the item");
    }
}

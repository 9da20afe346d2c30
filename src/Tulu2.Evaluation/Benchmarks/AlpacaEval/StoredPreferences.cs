using Tulu2.Evaluation.TaskData;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>Scores AlpacaEval's own files: <c>annotations.json</c>, and <c>model_outputs.json</c> for the outputs where annotations lack them.</summary>
internal static class StoredPreferences
{
    private const string ModelKey = "generator_2";

    /// <exception cref="BadInputException">A file cannot be used, or the two do not belong together.</exception>
    public static EvaluationOutcome Score(AlpacaEvalBenchmark benchmark, StoredFiles files)
    {
        var path = files.Verdicts ?? throw new BadInputException("--verdicts", "is not given, and outputs alone have no score",
            "give the file of annotations, or have a judge compare the outputs with `tulu2 eval`");
        var rows = ModelRows.Of(JsonItems.Read(path), ModelKey, files.Model, path);
        var outputs = files.Outputs is null ? null : ReadOutputs(files.Outputs, files.Model);
        var items = files.Input is { } input ? benchmark.ReadWithin(input).Items.Cast<AlpacaEvalBenchmark.Item>().ToDictionary(item => item.Instruction) : null;
        var places = new Dictionary<string, string>();
        var scores = new List<ItemScore>();
        foreach (var row in rows)
        {
            var instruction = row.Text("instruction");
            if (!places.TryAdd(instruction, row.Location)) throw row.Bad($"has the same instruction as {places[instruction]}", "keep one verdict on each instruction");
            if (items is not null && !items.ContainsKey(instruction))
                throw row.Bad($"has an instruction that is not in {files.Input!.Path}", "give the verdicts on this input, or leave out --data");
            scores.Add(Score(row, instruction, outputs, items?[instruction], scores.Count));
        }
        if (rows.All(row => !row.Element.TryGetProperty("preference", out _))) throw rows[0].Bad("has no \"preference\"", "give a file of annotations");
        var judges = rows.Select(row => row.TextOrNull("annotator") ?? "unknown").GroupBy(name => name)
            .Select(group => new JudgeUse(AlpacaEvalBenchmark.Pairs, $"stored:{group.Key}", 0, group.Count(), 0, 0));
        return new EvaluationOutcome($"{benchmark.Name}:{path}", scores) { Judges = [.. judges] };
    }

    private static ItemScore Score(JsonItem row, string instruction, Dictionary<string, string>? outputs, AlpacaEvalBenchmark.Item? item, int index)
    {
        var score = PairScore.OfPreference(row.Number("preference"));
        var output = outputs is null ? row.TextOrNull("output_2") : outputs.GetValueOrDefault(instruction) ?? throw row.Bad("has no output in the file of outputs", "give the outputs that were judged");
        var reference = row.TextOrNull("output_1") ?? item?.Reference;
        var shown = row.TextOrNull("raw_completion") is { } text ? [text] : Array.Empty<string>();
        return new ItemScore(item?.Id ?? $"{index}", row.TextOrNull("dataset") ?? item?.Dataset ?? "", score)
        {
            Metrics = PairScore.Metrics(score, output, reference, item?.Difficulty),
            Sample = output is null ? null : new EvaluationSample(instruction, reference ?? "", output, score > PairScore.Draw) { Verdict = PairScore.Shown(score, shown) },
        };
    }

    // Outputs without a verdict are of no use: the original joins the two.
    private static Dictionary<string, string> ReadOutputs(string path, string? model)
    {
        var outputs = new Dictionary<string, string>();
        foreach (var row in ModelRows.Of(JsonItems.Read(path), "generator", model, path))
        {
            var instruction = row.Text("instruction");
            if (!outputs.TryAdd(instruction, row.Text("output"))) throw row.Bad("has an instruction that came before", "keep one output for each instruction");
        }
        return outputs;
    }
}

using System.Text.Json;
using Tulu2.Data.Tokenizers.Learning;

namespace Tulu2.Tests.Runs;

/// <summary>A temporary folder with rows, pairs, labelled answers, a tokenizer and recipes for a tiny model; the cache lies in it too.</summary>
internal sealed class SmallTraining : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-cli-");

    public SmallTraining()
    {
        File.WriteAllLines(In("rows.jsonl"), Enumerable.Range(0, 40).Select(row => Row($"What is {row} plus 1?", $"It is {row + 1}.")));
        File.WriteAllLines(In("pairs.jsonl"), Enumerable.Range(0, 40).Select(row =>
            JsonSerializer.Serialize(new { prompt = $"What is {row} plus 1?", chosen = $"It is {row + 1}.", rejected = $"No idea, {row}." })));
        File.WriteAllLines(In("labelled.jsonl"), Enumerable.Range(0, 40).Select(row =>
            JsonSerializer.Serialize(new { prompt = $"What is {row} plus 1?", completion = row % 3 == 0 ? $"No idea, {row}." : $"It is {row + 1}.", label = row % 3 != 0 })));
        SentencePieceTrainer.Train(File.ReadLines(In("rows.jsonl")), new SentencePieceTrainerOptions { VocabularySize = 320 }).Write(In("tokenizer"));
    }

    public string In(string name) => Path.Combine(_folder.FullName, name);

    public static string Row(string question, string answer) => JsonSerializer.Serialize(new
    {
        dataset = "sum",
        id = question,
        messages = new[] { new { role = "user", content = question }, new { role = "assistant", content = answer } },
    });

    /// <summary>Writes a recipe and returns its path.</summary>
    public string Recipe(string objective = "sft", string model = "{ preset: tiny, tokenizer: tokenizer }", string data = "", string rest = "")
    {
        var path = In($"{objective}.yaml");
        File.WriteAllText(path, $$"""
            objective: {{objective}}
            model: {{model}}
            data: { train: [{{(data != "" ? data : objective == "dpo" ? "pairs.jsonl" : objective == "kto" ? "labelled.jsonl" : "rows.jsonl")}}], max_length: 64, cache: cache }
            batch: { global: 8, slot: 2 }
            steps: 4
            optimizer: { learning_rate: 1e-2 }
            schedule: { warmup: 1 }
            precision: fp32
            parallel: { data: 2 }
            checkpoint: { every: 2, keep: 2 }
            {{rest}}
            """);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

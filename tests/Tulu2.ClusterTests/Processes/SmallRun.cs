using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tulu2.ClusterTests.Processes;

/// <summary>
/// Everything a small run needs, in a temporary folder: seeded rows and pairs, a tokenizer that the product trained, and a recipe for a model with random weights.
/// </summary>
internal sealed class SmallRun : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-cluster-");

    public string Cache => Path.Combine(_folder.FullName, "cache");

    public string Folder(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>A folder with rows.jsonl, pairs.jsonl and tokenizer/, ready to train on.</summary>
    public static async Task<SmallRun> CreateAsync(int rows = 96)
    {
        var run = new SmallRun();
        var random = new Random(7);
        StringBuilder messages = new(), pairs = new();
        for (var row = 0; row < rows; row++)
        {
            int a = random.Next(100), b = random.Next(100);
            var question = $"What is {a} plus {b}{(row % 3 == 0 ? ", and please say it twice" : "")}?";
            var answer = (a + b).ToString(CultureInfo.InvariantCulture);
            messages.AppendLine(JsonSerializer.Serialize(new
            {
                dataset = "sum",
                id = $"sum_{row}",
                messages = new[] { new { role = "user", content = question }, new { role = "assistant", content = $"It is {answer}." } },
            }));
            pairs.AppendLine(JsonSerializer.Serialize(new { prompt = question, chosen = $"It is {answer}.", rejected = $"Perhaps {answer}1, or {b}?" }));
        }
        File.WriteAllText(run.Folder("rows.jsonl"), messages.ToString());
        File.WriteAllText(run.Folder("pairs.jsonl"), pairs.ToString());
        var (code, output, errors) = await TuluProcess.RunAsync(
            run.Cache, "tokenizer", "train", run.Folder("rows.jsonl"), "--vocabulary", "512", "--to", run.Folder("tokenizer"));
        Xunit.Assert.True(code == 0, output + errors);
        return run;
    }

    /// <summary>Writes a recipe and returns its path. Without spare workers, which tests ask for where they need them: the workers are then those of the ranks.</summary>
    public string Recipe(string objective, string precision, int steps, int checkpointEvery, string preset = "tiny", string more = "", string weight = "1")
    {
        var path = Folder($"{objective}-{precision}-{steps}-{checkpointEvery}-{preset}{(more == "" ? "" : "-more")}.yaml");
        File.WriteAllText(path, $"""
            objective: {objective}
            model: {"{"} preset: {preset}, tokenizer: tokenizer {"}"}
            data: {"{"} train: [{"{"} files: [{(objective == "dpo" ? "pairs.jsonl" : "rows.jsonl")}], weight: {weight} {"}"}], max_length: 128 {"}"}
            batch: {"{"} global: 14, slot: 2 {"}"}
            steps: {steps}
            optimizer: {"{"} learning_rate: 1e-3 {"}"}
            precision: {precision}
            parallel: {"{"} spares: 0 {"}"}
            checkpoint: {"{"} every: {checkpointEvery}, keep: 2 {"}"}
            seed: 11
            {more}
            """);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

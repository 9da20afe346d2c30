using System.Globalization;
using Tulu2.Evaluation.TaskData;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>Reads the reference outputs, as AlpacaEval ships them, and AlpacaEval 2's difficulty of the instructions where it is there.</summary>
internal static class AlpacaEvalFiles
{
    private static readonly string[] References = ["text_davinci_003_outputs.json", "alpaca_eval.json"];
    private const string Difficulties = "instruction_difficulty.csv";

    /// <exception cref="BadInputException">The folder has no such file, or the file cannot be used.</exception>
    public static BenchmarkItems<AlpacaEvalBenchmark.Item> Read(BenchmarkInput input, int answerTokens)
    {
        var file = File.Exists(input.Path) ? input.Path : JsonItems.Find(input.Path, References)
            ?? throw new BadInputException(input.Path, $"has no {string.Join(" or ", References)}", "copy the reference outputs of tatsu-lab/alpaca_eval into it");
        var options = input.Options;
        var difficulties = Directory.Exists(input.Path) ? ReadDifficulties(Path.Combine(input.Path, Difficulties)) : null;
        var items = JsonItems.Read(file).Select((row, index) => new AlpacaEvalBenchmark.Item(
            $"{index}", row.TextOrNull("dataset") ?? "", row.Location, row.Text("instruction"), row.Text("output"),
            AnswerOrder.IsSwitched(row.Text("instruction"), options.OrderSeed), options.BothOrders, options.Mode, options.Chat ?? true,
            options.MaxTokens ?? answerTokens, difficulties?.ElementAtOrDefault(index))).ToList();
        return new BenchmarkItems<AlpacaEvalBenchmark.Item>(items, []);
    }

    // The hub's file: an index and the difficulty a line, under a header.
    private static List<double?>? ReadDifficulties(string path)
    {
        if (!File.Exists(path)) return null;
        var values = new List<double?>();
        foreach (var (line, number) in File.ReadLines(path).Select((line, index) => (line, index + 1)).Skip(1))
        {
            if (line.Split(',') is not [var index, var value] || index != $"{values.Count}" || !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var difficulty))
                throw new BadInputException($"{path}:{number}", "is not an index with its difficulty", "fetch the file of tatsu-lab/alpaca_eval again, or remove it");
            values.Add(difficulty);
        }
        return values;
    }
}

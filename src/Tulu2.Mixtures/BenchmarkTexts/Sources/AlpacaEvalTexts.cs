using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>AlpacaEval 1: all 805 instructions, and the outputs of text-davinci-003 that answers are compared with.</summary>
internal sealed class AlpacaEvalTexts : IBenchmarkTexts
{
    public string Name => "alpaca_eval";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder) => folder.Records("text_davinci_003_outputs.json").Select(record => new ItemTexts(
        $"{record.Number}", [new ItemText(ItemPart.Question, record.Text("instruction")), new ItemText(ItemPart.Answer, record.Text("output"))]));
}

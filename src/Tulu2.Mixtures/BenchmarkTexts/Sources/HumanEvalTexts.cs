using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>HumanEval (Codex-Eval): prompt and canonical solution of all 164 problems. The tests are not counted: their words are mostly Python's own.</summary>
internal sealed class HumanEvalTexts : IBenchmarkTexts
{
    public string Name => "humaneval";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder) => folder.Records("HumanEval.jsonl").Select(record => new ItemTexts(record.Text("task_id"),
        [new ItemText(ItemPart.Question, record.Text("prompt")), new ItemText(ItemPart.Answer, record.Text("canonical_solution"))]));
}

using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>MT-Bench: both turns of all 80 questions, and GPT-4's reference answers to those that have one.</summary>
internal sealed class MtBenchTexts : IBenchmarkTexts
{
    private const string Id = "question_id";

    public string Name => "mt_bench";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder)
    {
        var references = folder.Records("mt_bench/reference_answer/gpt-4.jsonl")
            .ToDictionary(record => record.Text(Id), record => record.List("choices").SelectMany(choice => choice.Texts("turns")).ToList());
        foreach (var record in folder.Records("mt_bench/question.jsonl"))
            yield return new ItemTexts(record.Text(Id),
            [
                .. record.Texts("turns").Select(turn => new ItemText(ItemPart.Question, turn)),
                .. references.GetValueOrDefault(record.Text(Id), []).Select(turn => new ItemText(ItemPart.Answer, turn)),
            ]);
    }
}

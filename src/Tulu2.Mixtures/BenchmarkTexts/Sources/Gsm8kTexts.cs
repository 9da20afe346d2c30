using System.Text.RegularExpressions;
using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>GSM8K: question and worked answer of all 1,319 test problems, the answer also without the calculator's notes (<c>&lt;&lt;16-3=13&gt;&gt;</c>).</summary>
internal sealed partial class Gsm8kTexts : IBenchmarkTexts
{
    public string Name => "gsm8k";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder)
    {
        foreach (var record in folder.Records("test.jsonl"))
        {
            var answer = record.Text("answer");
            yield return new ItemTexts($"{record.Number}",
            [
                new ItemText(ItemPart.Question, record.Text("question")),
                new ItemText(ItemPart.Answer, answer), new ItemText(ItemPart.Answer, Notes().Replace(answer, "")),
            ]);
        }
    }

    [GeneratedRegex("<<[^<>]*>>")]
    private static partial Regex Notes();
}

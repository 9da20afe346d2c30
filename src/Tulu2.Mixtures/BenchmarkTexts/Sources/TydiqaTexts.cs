using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>TyDi QA, gold passages: passage, question and answers of the development questions of nine languages, one file each.</summary>
internal sealed class TydiqaTexts : IBenchmarkTexts
{
    private static readonly string[] Languages = ["arabic", "bengali", "english", "finnish", "indonesian", "korean", "russian", "swahili", "telugu"];

    public string Name => "tydiqa";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder)
    {
        foreach (var language in Languages)
        {
            var whole = folder.Object($"{language}_tydiqa_dev.json", out var document);
            using (document)
                foreach (var paragraph in whole.List("data").SelectMany(article => article.List("paragraphs")))
                    foreach (var question in paragraph.List("qas"))
                        yield return new ItemTexts(question.Text("id"),
                        [
                            new ItemText(ItemPart.Question, question.Text("question")), new ItemText(ItemPart.Context, paragraph.Text("context")),
                            .. question.List("answers").Select(answer => new ItemText(ItemPart.Answer, answer.Text("text"))),
                        ]);
        }
    }
}

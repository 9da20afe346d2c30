using System.Text.Json;
using Tulu2.Data.Benchmarks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TydiQa;

/// <summary>A question about a passage.</summary>
/// <param name="Language">The part of the id before its first dash.</param>
/// <param name="Answers">At least one.</param>
internal sealed record TydiQaQuestion(string Id, string Language, string Where, string Passage, string Question, IReadOnlyList<string> Answers);

/// <summary>
/// The gold-passage files: <c>tydiqa-goldp-v1.1-dev.json</c> and <c>-train.json</c>, or a file for each language, <c>LANGUAGE_tydiqa_dev.json</c> and <c>_train.json</c>.
/// </summary>
internal static class TydiQaFiles
{
    public const string Dev = "dev", Train = "train";

    /// <summary>A file that tells whether a folder is the benchmark's own.</summary>
    public static string Probe(string path) =>
        TydiQaLanguage.All.Select(language => NameOf(language.Name, Dev)).FirstOrDefault(new BenchmarkFolder(path, "").Has) ?? WholeOf(Dev);

    /// <summary>All questions of a part, in the order of the files.</summary>
    /// <param name="languages">Whose files are read.</param>
    /// <exception cref="BadInputException">A file is not the benchmark's.</exception>
    public static IReadOnlyList<TydiQaQuestion> Read(BenchmarkFolder folder, string part, IEnumerable<string> languages)
    {
        if (folder.Has(WholeOf(part))) return [.. Questions(folder, WholeOf(part)).Where(question => languages.Contains(question.Language))];
        return [.. languages.Where(language => folder.Has(NameOf(language, part))).SelectMany(language => Questions(folder, NameOf(language, part)))];
    }

    /// <summary>The missing file from which the examples of a language would be drawn.</summary>
    public static string MissingTrain(BenchmarkFolder folder, string language) => Path.Combine(folder.Path, NameOf(language, Train));

    private static string WholeOf(string part) => $"tydiqa-goldp-v1.1-{part}.json";

    private static string NameOf(string language, string part) => $"{language}_tydiqa_{part}.json";

    private static List<TydiQaQuestion> Questions(BenchmarkFolder folder, string name)
    {
        var questions = new List<TydiQaQuestion>();
        var file = folder.Object(name, out JsonDocument document);
        using (document)
            foreach (var article in file.List("data"))
                foreach (var paragraph in article.List("paragraphs"))
                {
                    var passage = paragraph.Text("context");
                    foreach (var record in paragraph.List("qas")) questions.Add(QuestionOf(record, passage));
                }
        return questions.Count > 0 ? questions : throw new BadInputException(folder.PathTo(name), "has no question", "fetch TyDi QA's gold-passage file again");
    }

    private static TydiQaQuestion QuestionOf(BenchmarkRecord record, string passage)
    {
        var id = record.Text("id");
        var answers = record.List("answers").Select(answer => answer.Text("text")).ToList();
        if (answers.Count == 0) throw new BadInputException(record.Where, "has no answer", "fetch TyDi QA's gold-passage file again");
        return new TydiQaQuestion(id, id.Split('-')[0], record.Where, passage, record.Text("question"), answers);
    }
}

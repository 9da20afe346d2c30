using System.Text.Json;
using Tulu2.Evaluation.TaskData;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>Scores FastChat's own files: <c>model_judgment</c> lines, and <c>model_answer</c> lines for the answers.</summary>
internal static class StoredGrades
{
    /// <exception cref="BadInputException">A file cannot be used, or the two do not belong together.</exception>
    public static EvaluationOutcome Score(MtBenchBenchmark benchmark, StoredFiles files)
    {
        var path = files.Verdicts ?? throw new BadInputException("--verdicts", "is not given, and answers alone have no score",
            "give the file of judgments, or have a judge grade the answers with `tulu2 eval`");
        var rows = ModelRows.Of(JsonItems.Read(path), "model", files.Model, path);
        var answers = files.Outputs is null ? null : ModelRows.Of(JsonItems.Read(files.Outputs), "model_id", files.Model, files.Outputs)
            .GroupBy(row => row.Name("question_id")).ToDictionary(group => group.Key, group => MtBenchFiles.Turns(group.Last()));
        var items = files.Input is { } input ? benchmark.ReadWithin(input).Items.Cast<MtBenchBenchmark.Item>().ToDictionary(item => item.Id) : null;
        var verdicts = rows.Select(row => Verdict.Of(row, files.Mode)).ToList();
        var scores = verdicts.GroupBy(verdict => verdict.Question).Select(question =>
        {
            var item = items is null ? null : items.GetValueOrDefault(question.Key)
                ?? throw question.First().Row.Bad($"has a question that is not in {files.Input!.Path}: {question.Key}", "give the judgments of this input, or leave out --data");
            var turns = answers is null ? null : answers.GetValueOrDefault(question.Key)
                ?? throw question.First().Row.Bad($"has a question without an answer in {files.Outputs}: {question.Key}", "give the answers that were judged");
            return Score(question.Key, item, turns, [.. question]);
        });
        var judges = verdicts.GroupBy(verdict => verdict.Judge)
            .Select(group => new JudgeUse(MtBenchBenchmark.Grades, $"stored:{group.Key}", 0, group.Count(), 0, 0));
        return new EvaluationOutcome($"{benchmark.Name}:{path}", [.. scores]) { Judges = [.. judges] };
    }

    private static ItemScore Score(string id, MtBenchBenchmark.Item? item, IReadOnlyList<string>? answers, IReadOnlyList<Verdict> verdicts)
    {
        // FastChat appends to its file when it judges again: the last verdict on a turn counts.
        var last = new[] { 1, 2 }.Select(turn => verdicts.LastOrDefault(verdict => verdict.Turn == turn)).ToList();
        var grades = TurnGrades.Of([.. last.Select(verdict => verdict?.Grade)]) with { Unread = last.Count(verdict => verdict is { Grade: null }) };
        return new ItemScore(id, item?.Dataset ?? MtBenchFiles.CategoryOf(id) ?? "", grades.Mean)
        {
            Metrics = grades.Metrics,
            Sample = answers is null ? null : MtBenchBenchmark.Sample(item?.Turns ?? [], item?.References, answers, grades, [.. last.Select(verdict => verdict?.Text ?? "")]),
        };
    }

    private sealed record Verdict(JsonItem Row, string Question, int Turn, double? Grade, string? Text, string Judge)
    {
        // FastChat's mark of a grade that it could not read.
        private const double Unread = -1;

        public static Verdict Of(JsonItem row, EvaluationMode mode)
        {
            if (row.Element.TryGetProperty("g1_winner", out _)) throw row.Bad("is a verdict on a pair, not a grade", "give the judgments of single answers (…_single.jsonl)");
            var text = row.TextOrNull("judgment");
            if (text is null && !row.Element.TryGetProperty("score", out _)) throw row.Bad("has neither a \"score\" nor a \"judgment\"", "give a file of judgments");
            var grade = text is not null && (mode == EvaluationMode.Fixed || row.Value("score") is null) ? GradeVerdict.Parse(text, mode) : row.Number("score");
            var turn = row.Value("turn") is null ? 1 : row.Number("turn");
            return turn is 1 or 2 ? new Verdict(row, row.Name("question_id"), (int)turn, grade == Unread ? null : grade, text, NameOf(row))
                : throw row.Bad("has a \"turn\" that is neither 1 nor 2");
        }

        private static string NameOf(JsonItem row) => row.Value("judge") switch
        {
            { ValueKind: JsonValueKind.Array } pair when pair.GetArrayLength() > 0 && pair[0].ValueKind == JsonValueKind.String => pair[0].GetString()!,
            { ValueKind: JsonValueKind.String } name => name.GetString()!,
            _ => "unknown",
        };
    }
}

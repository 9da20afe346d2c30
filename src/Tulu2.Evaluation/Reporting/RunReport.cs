using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>
/// Renders <c>report.html</c>, a self-contained page without external resources; without scripts too, unless it has evaluations to search.
/// </summary>
public static class RunReport
{
    public const string FileName = "report.html";

    /// <summary>Writes the report into <paramref name="directory"/> and returns its path.</summary>
    public static string Write(string directory, ReportInput input)
    {
        var path = Path.Combine(directory, FileName);
        AtomicFile.WriteAllText(path, Render(input));
        return path;
    }

    public static string Render(ReportInput input) => Html.Page(input.Title, Subtitle(input), Sections(input), input.Evaluations);

    private static string Subtitle(ReportInput input)
    {
        var steps = input.Stages.Sum(s => s.Steps.Count);
        var tokens = input.Stages.Sum(s => s.Steps.Sum(r => r.Tokens));
        var sessions = input.Stages.SelectMany(s => s.Sessions).ToList();
        var told = $"{NumberText.Count(steps, "step")}, {NumberText.Count(tokens, "token")}, {NumberText.Duration(input.Stages.Sum(s => s.Seconds))}";
        if (sessions.Count > input.Stages.Count) told += $" in {sessions.Count} sessions";
        return sessions.Count == 0 ? told : $"{told}; <span>{Times.Span(sessions.Min(s => s.Began), sessions.Max(s => s.Ended))}</span>";
    }

    private static IEnumerable<string> Sections(ReportInput input)
    {
        if (input.Scores.Count > 0) yield return Html.Section("evaluation", "Evaluation", ScoreTable(input.Scores));
        if (input.Stages.Count > 0) yield return Html.Section("stages", "Training stages", StageTable(input.Stages));
        for (var i = 0; i < input.Stages.Count; i++)
        {
            var charts = StageCharts.Of(input.Stages[i], $"stage{i + 1}").Select(SvgChart.Render).ToList();
            if (charts.Count > 0)
                yield return Html.Section($"stage{i + 1}", $"Training: {input.Stages[i].Name}", ["<div class=\"charts\">", .. charts, "</div>"]);
        }
        if (input.Samples.Any(s => s.Samples.Count > 0)) yield return Html.Section("samples", "Sample outputs", input.Samples.Select(SampleList));
        foreach (var section in RunFacts.Sections(input)) yield return section;
        if (input.Goodput.Count > 0) yield return GoodputSection.Of(input.Goodput);
        var times = input.RankTimes.Where(stage => stage.Ranks.Count > 0).Select(RankTimeTable).ToList();
        if (times.Count > 0) yield return Html.Section("times", "Where the ranks' time went", times);
        if (input.Failures.Count > 0)
            yield return Html.Section("failures", "Failures and restarts",
                Html.Table("From the ledger", ["When", "What"], input.Failures.Select(f => new[] { f.When, f.What }), int.MaxValue, "events"));
    }

    /// <summary>Rows are benchmarks, each followed by its datasets; columns are models, in order of first appearance.</summary>
    private static string ScoreTable(IReadOnlyList<ReportScore> scores)
    {
        var models = scores.Select(s => s.Model).Distinct().ToList();
        var rows = scores.GroupBy(s => s.Benchmark).SelectMany(b => b.GroupBy(s => s.Dataset).OrderBy(d => d.Key, StringComparer.Ordinal)).Select(group =>
        {
            var name = group.First().Benchmark.Replace('_', ' ');
            IEnumerable<string> cells = models.Select(m => group.LastOrDefault(s => s.Model == m)?.Text ?? "–");
            return (IReadOnlyList<string>)[group.Key.Length == 0 ? name : $"{name}: {group.Key}", NumberText.Count(group.Max(s => s.Items)), .. cells];
        });
        return Html.Table("Scores on held-out rows; % is the share of correct items", ["Benchmark", "Items", .. models], rows);
    }

    private static string StageTable(IReadOnlyList<ReportStage> stages) => Html.Table(
        "Tokens and tokens/s cover the committed steps; time covers whole sessions",
        ["Stage", "Steps", "Tokens", "Loss tokens", "Time", "Tokens/s", "First loss", "Last loss"],
        stages.Select(stage =>
        {
            double seconds = stage.Steps.Sum(s => s.Seconds);
            long tokens = stage.Steps.Sum(s => s.Tokens);
            return (IReadOnlyList<string>)
            [
                stage.Name, NumberText.Count(stage.Steps.Count), NumberText.Count(tokens), NumberText.Count(stage.Steps.Sum(s => s.LossTokens)),
                NumberText.Duration(stage.Seconds), seconds > 0 ? NumberText.Count(tokens / seconds) : "–",
                NumberText.Loss(stage.Steps.Count > 0 ? stage.Steps[0].Loss : null), NumberText.Loss(stage.Steps.Count > 0 ? stage.Steps[^1].Loss : null),
            ];
        }));

    private static string RankTimeTable(ReportRankTimes stage) => Html.Table(
        $"{stage.Stage}: shares of step time; each includes waiting for it",
        ["", "Computing", "Batches", "Pipeline bubble", "Tensor-parallel sums", "Gradient reduction", "Commits", "Update and rest"],
        stage.Ranks.Select(rank =>
        {
            double[] parts = [rank.Compute, rank.Batches, rank.Bubble, rank.TensorSums, rank.Reduction, rank.Commits];
            IEnumerable<double> all = [.. parts, Math.Max(0, rank.Seconds - parts.Sum())];
            return (IReadOnlyList<string>)[$"rank {rank.Rank}", .. all.Select(part => NumberText.Percent(rank.Seconds > 0 ? part / rank.Seconds : null))];
        })) + (stage.CheckpointStall is { } stall ? $"<p class=\"note\">{Html.Escape($"{stage.Stage}: {stall.Text}")}</p>\n" : "");

    private static string SampleList(ReportSamples model) =>
        $"<h3>{Html.Escape(model.Model)}</h3>\n"
        + (model.From is { } from ? $"<p class=\"note\">{Html.Escape(from)}</p>\n" : "") + string.Concat(model.Samples.Select(Sample));

    private static string Sample(EvaluationSample sample) =>
        $"<article class=\"sample {(sample.Correct ? "right" : "wrong")}\"><p class=\"verdict\">{(sample.Correct ? "✓ right" : "✗ wrong")}</p><dl>"
        + Entry("Prompt", sample.Prompt) + Entry("Expected", sample.Expected) + Entry("Output", sample.Output) + "</dl></article>\n";

    private static string Entry(string name, string text) => $"<dt>{name}</dt><dd><pre dir=\"auto\">{Html.Escape(text)}</pre></dd>";
}

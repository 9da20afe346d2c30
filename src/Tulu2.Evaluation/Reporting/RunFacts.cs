using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>The report's sections on hyperparameters, data, machine and versions, and sessions.</summary>
internal static class RunFacts
{
    public static IEnumerable<string> Sections(ReportInput input)
    {
        var stages = input.Stages;
        if (stages.Any(stage => stage.Settings.Count > 0))
            yield return Html.Section("settings", "Hyperparameters", [BesideEachOther("Recipe keys and values", stages, stage => stage.Settings),
                .. stages.Where(stage => stage.Recipe is not null).Select(stage => Html.Details($"the whole recipe of {stage.Name}", stage.Recipe!))]);
        if (stages.Any(stage => stage.Files.Count > 0) || input.TokenLengths.Count > 0) yield return Html.Section("data", "Data", Data(input));
        if (input.Facts.Count > 0 || stages.Any(stage => stage.Facts.Count > 0)) yield return Html.Section("facts", "Run", Facts(input));
        if (stages.Any(stage => stage.Sessions.Count > 0))
            yield return Html.Section("sessions", "Sessions", Html.Table("From each start or resumption to its last ledger entry; times are UTC",
                ["Session", "Began", "Ended", "Time", "Steps", "Ranks", "Host", "How it ended"], Sessions(stages), int.MaxValue));
    }

    /// <summary>A table with a row for each name and a column for each stage.</summary>
    private static string BesideEachOther(string caption, IReadOnlyList<ReportStage> stages, Func<ReportStage, IReadOnlyList<ReportFact>> facts)
    {
        var told = stages.Where(stage => facts(stage).Count > 0).ToList();
        var names = told.SelectMany(stage => facts(stage).Select(fact => fact.Name)).Distinct().ToList();
        var rows = names.Select(name => (IReadOnlyList<string>)
            [name, .. told.Select(stage => facts(stage).FirstOrDefault(fact => fact.Name == name)?.Value ?? "–")]);
        return Html.Table(caption, ["", .. told.Select(stage => stage.Name)], rows, int.MaxValue, told.Count == 1 ? "facts one" : "facts");
    }

    private static IEnumerable<string> Data(ReportInput input)
    {
        var rows = input.Stages.SelectMany(stage => stage.Files.Select(file =>
            (IReadOnlyList<string>)[file.Path, stage.Name, NumberText.Count(file.Rows), NumberText.Count(file.Bytes)])).ToList();
        if (rows.Count > 0) yield return Html.Table("Training files", ["File", "Stage", "Rows used", "Bytes"], rows, 2);
        if (input.TokenLengths.Count > 0) yield return SvgChart.Render(StageCharts.Lengths(input.TokenLengths));
    }

    private static IEnumerable<string> Facts(ReportInput input)
    {
        if (input.Facts.Count > 0)
            yield return Html.Table("All stages", ["", "all"], input.Facts.Select(fact => new[] { fact.Name, fact.Value }), int.MaxValue, "facts one");
        if (input.Stages.Any(stage => stage.Facts.Count > 0))
            yield return BesideEachOther("Machine and versions of the last session", input.Stages, stage => stage.Facts);
    }

    private static IEnumerable<IReadOnlyList<string>> Sessions(IReadOnlyList<ReportStage> stages) =>
        from stage in stages
        from numbered in stage.Sessions.Select((session, index) => (Session: session, Number: index + 1))
        let session = numbered.Session
        select (IReadOnlyList<string>)
        [
            $"{stage.Name} {numbered.Number}", Times.Second(session.Began), Times.Second(session.Ended), NumberText.Duration(session.Seconds),
            session.After > session.Before ? $"{session.Before + 1} to {session.After}" : "none", $"{session.Ranks}", session.Host ?? "–", session.End,
        ];
}

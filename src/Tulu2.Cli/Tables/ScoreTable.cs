using System.Globalization;
using Spectre.Console;
using Tulu2.Evaluation.Results;
using Tulu2.Files;

namespace Tulu2.Cli.Tables;

/// <summary>The result of one task: its score, what else its users report, and its parts.</summary>
internal static class ScoreTable
{
    public static Table Of(TaskResult result)
    {
        var table = new Table().AddColumns(result.Task, "items", "value");
        table.AddRow("score", $"{result.Items}", Markup.Escape(result.Score is { } score && !double.IsNaN(score) ? result.Unit.Text(score) : "–"));
        if (result.StandardError is { } error && !double.IsNaN(error)) table.AddRow("standard error", "", Markup.Escape(result.Unit.Text(error)));
        foreach (var (name, value) in result.Metrics) table.AddRow(Markup.Escape(name.Replace('_', ' ')), "", Value(value));
        foreach (var part in result.Datasets)
            table.AddRow(Markup.Escape(part.Name), $"{part.Items}", Markup.Escape(double.IsNaN(part.Score) ? "–" : result.Unit.Text(part.Score)));
        foreach (var (role, judge) in result.Judges) table.AddRow(Markup.Escape($"judge of {role}"), "", Markup.Escape(judge));
        return table;
    }

    private static string Value(double value) => double.IsNaN(value) ? "–" : double.IsInteger(value) ? NumberText.Count(value) : value.ToString("0.####", CultureInfo.InvariantCulture);
}

using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.Demo;
using Tulu2.Runs.Launch;

namespace Tulu2.Cli.Tables;

/// <summary>The tables at the end of the demo.</summary>
internal static class DemoTable
{
    /// <param name="costs">Seconds of each stage, in order.</param>
    public static void Write(Terminal terminal, DemoResult result, IReadOnlyList<(string Stage, double Seconds)> costs)
    {
        var scores = new Table().Title("held-out scores").AddColumns("model", "exact match", "preference accuracy");
        scores.AddRow("untrained", NumberText.Percent(result.ExactMatch.Untrained), "");
        scores.AddRow("after SFT", NumberText.Percent(result.ExactMatch.Sft), NumberText.Percent(result.PreferenceAccuracy.Sft));
        scores.AddRow("after DPO", NumberText.Percent(result.ExactMatch.Dpo), NumberText.Percent(result.PreferenceAccuracy.Dpo));
        terminal.Human.Write(scores);

        // The title says what the scores are not.
        terminal.Human.Write(TaskResultTable.Of(result.Benchmarks)
            .Title($"the nine benchmarks' forms, after DPO: generated items, and a stub on loopback ({DemoJudge.Model}) in the place of the judges"));

        var times = new Table().Title("time").AddColumns("stage", "time");
        foreach (var (stage, seconds) in costs) times.AddRow(Markup.Escape(stage), NumberText.Duration(seconds));
        times.AddRow("all", NumberText.Duration(result.Seconds));
        terminal.Human.Write(times);

        terminal.WriteHuman($"report: {result.Report}");
        terminal.WriteHuman($"model:  {result.Export}");
        terminal.WriteHuman($"items:  {ThisProgram.Command("report", result.Scores)}");
        terminal.WriteHuman($"chat:   {ThisProgram.Command("chat", "--model", result.Export)}");
    }
}

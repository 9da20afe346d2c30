using Spectre.Console;
using Tulu2.Cli.Shell;

namespace Tulu2.Cli.Training;

/// <summary>What is printed at a run's end.</summary>
internal static class TrainSummary
{
    public static void Print(Terminal terminal, TrainResult result, RunDirectory directory)
    {
        var table = new Table().HideHeaders().AddColumns("", "");
        table.AddRow("steps", $"{result.Steps}");
        table.AddRow("loss", $"{result.LossFirst:F4} to {result.LossLast:F4}");
        table.AddRow("tokens/s", $"{result.TokensPerSecond:N0}");
        table.AddRow("parameters", result.ParametersSha256);
        table.AddRow("model", Markup.Escape(directory.FinalExport));
        table.AddRow("report", Markup.Escape(directory.Report));
        table.AddRow("chat", Markup.Escape($"tulu2 chat --model {directory.FinalExport}"));
        terminal.Human.Write(table);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
    }
}

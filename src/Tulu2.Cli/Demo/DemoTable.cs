using Spectre.Console;

namespace Tulu2.Cli.Demo;

/// <summary>What the demo says at its end.</summary>
internal static class DemoTable
{
    /// <param name="costs">Seconds of each stage, in order.</param>
    public static void Write(IAnsiConsole console, DemoResult result, IReadOnlyList<(string Stage, double Seconds)> costs)
    {
        var scores = new Table().Title("held-out scores").AddColumns("model", "exact match", "preference accuracy");
        scores.AddRow("untrained", Percent(result.ExactMatch.Untrained), "");
        scores.AddRow("after SFT", Percent(result.ExactMatch.Sft), Percent(result.PreferenceAccuracy.Sft));
        scores.AddRow("after DPO", Percent(result.ExactMatch.Dpo), Percent(result.PreferenceAccuracy.Dpo));
        console.Write(scores);

        var times = new Table().Title("what it cost").AddColumns("stage", "seconds");
        foreach (var (stage, seconds) in costs) times.AddRow(Markup.Escape(stage), $"{seconds:F1}");
        times.AddRow("all", $"{result.Seconds:F1}");
        console.Write(times);

        console.WriteLine($"report: {result.Report}");
        console.WriteLine($"model:  {result.Export}");
        console.WriteLine($"chat:   dotnet run -c Release --project src/Tulu2.Cli -- chat --model {result.Export}");
    }

    private static string Percent(double rate) => $"{100 * rate:F1} %";
}

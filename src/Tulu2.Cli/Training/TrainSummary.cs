using Tulu2.Cli.Shell;
using Tulu2.Cli.Workers;
using Tulu2.Files;

namespace Tulu2.Cli.Training;

/// <summary>What is printed at a run's end: plain lines, since a table folds paths and hashes, which are there to be copied.</summary>
internal static class TrainSummary
{
    public static void Print(Terminal terminal, TrainResult result, RunDirectory directory)
    {
        foreach (var line in Lines(result, directory)) terminal.WriteHuman(line);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
    }

    private static IEnumerable<string> Lines(TrainResult result, RunDirectory directory)
    {
        yield return $"steps       {NumberText.Count(result.Steps)}";
        yield return $"loss        {NumberText.Loss(result.LossFirst)} to {NumberText.Loss(result.LossLast)}";
        yield return $"tokens/s    {NumberText.Count(result.TokensPerSecond)}";
        yield return $"parameters  {result.ParametersSha256}";
        yield return $"model       {directory.FinalExport}";
        yield return $"report      {directory.Report}";
        yield return $"chat        {ThisProgram.Command("chat", "--model", directory.FinalExport)}";
    }
}

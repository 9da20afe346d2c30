using Tulu2.Cluster.Ledger;
using Tulu2.Files;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Execution;

/// <summary>The summary of a run at its end: plain lines, since a table wraps paths and hashes, which are there to be copied.</summary>
internal static class TrainSummary
{
    public static IEnumerable<string> Lines(TrainResult result, RunDirectory directory)
    {
        yield return $"steps       {NumberText.Count(result.Steps)}";
        yield return $"loss        {NumberText.Loss(result.LossFirst)} to {NumberText.Loss(result.LossLast)}";
        yield return $"tokens/s    {NumberText.Count(result.TokensPerSecond)}";
        foreach (var line in GoodputText.Lines(RunTimes.Of(LedgerReader.ReadSound(directory.Ledger)))) yield return line;
        yield return $"parameters  {result.ParametersSha256}";
        yield return $"model       {directory.FinalExport}";
        if (result.Best is { } best) yield return $"best        step {best.Step}, {best.Metric} {NumberText.Loss(best.Value)}{(best.Export is null ? "" : $"  {best.Export}")}";
        yield return $"report      {directory.Report}";
        yield return $"chat        {ThisProgram.Command("chat", "--model", directory.FinalExport)}";
    }
}

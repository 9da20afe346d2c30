using Tulu2.Evaluation.Reporting;
using Tulu2.Runs.Preparation;

namespace Tulu2.Runs.Reports;

/// <summary>The notes of a run's report that are known before its first step.</summary>
internal static class RunNotes
{
    /// <summary>Name of the fact with the number of the model's parameters.</summary>
    public const string Parameters = "parameters";

    public static ReportNotes Of(string title, PreparedRun run) => ReportNotes.Empty(title) with
    {
        Facts =
        [
            new ReportFact("model", run.Named.Model.Path ?? run.Recipe.Model.Preset!),
            new ReportFact(Parameters, $"{run.Model.Config.ParameterCount:N0}"),
            new ReportFact("ranks", $"{run.Parallel.Size}"),
            new ReportFact("layout", $"{run.Parallel} (data x tensor x pipeline)"),
        ],
        TokenLengths = run.Data.Lengths(),
        Files = run.Data.Files(),
    };
}

using System.Text.Json;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Reports;

/// <summary>The parts of a report that are not in the run's other files, stored as <c>report.json</c> so that the page can be made again at any time.</summary>
internal sealed record ReportNotes(
    string Title,
    IReadOnlyList<ReportFact> Facts,
    IReadOnlyList<ReportScore> Scores,
    IReadOnlyList<ReportSamples> Samples,
    IReadOnlyList<LengthBin> TokenLengths,
    IReadOnlyDictionary<string, double> WallSeconds,
    IReadOnlyList<ReportDataFile>? Files = null)
{
    public static ReportNotes Empty(string title) => new(title, [], [], [], [], new Dictionary<string, double>());

    public static ReportNotes Read(RunDirectory run)
    {
        var path = PathOf(run);
        if (!File.Exists(path)) return Empty(run.Name);
        try
        {
            return JsonSerializer.Deserialize<ReportNotes>(File.ReadAllText(path), JsonLine.Options)!;
        }
        catch (JsonException error)
        {
            throw new BadInputException(path, $"cannot be read: {FaultText.Of(error)}", "delete it; the report is then made from the metrics alone", error);
        }
    }

    public void Write(RunDirectory run) => AtomicFile.WriteAllText(PathOf(run), JsonLine.Of(this));

    private static string PathOf(RunDirectory run) => Path.Combine(run.Root, "report.json");
}

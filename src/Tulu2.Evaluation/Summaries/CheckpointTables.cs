using System.Globalization;
using Tulu2.Evaluation.Results;
using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>One metric of a run over its checkpoints.</summary>
/// <param name="Points">In order of the steps.</param>
public sealed record CheckpointSeries(string Model, string Name, IReadOnlyList<(int Step, double Value)> Points);

/// <summary>Every metric over checkpoints.</summary>
public static class CheckpointTables
{
    /// <summary>Scores in points and further figures of each run that has more than one checkpoint, by name.</summary>
    public static IReadOnlyList<CheckpointSeries> Series(IReadOnlyList<ModelStanding> models) =>
    [
        .. from model in models
           where model.Model.Checkpoints.Count > 1
           from name in model.Model.Checkpoints.SelectMany(checkpoint => checkpoint.Tasks.SelectMany(Names)).Distinct()
           select new CheckpointSeries(model.Name, name, [.. model.Model.Checkpoints.Select(checkpoint => (checkpoint.Step, Value: Value(checkpoint, name)))
               .Where(point => point.Value is not null).Select(point => (point.Step, point.Value!.Value))]),
    ];

    internal static IEnumerable<ReportTable> Of(IReadOnlyList<ModelStanding> models)
    {
        var all = Series(models);
        foreach (var (index, model) in models.Where(model => model.Model.Checkpoints.Count > 1).Index())
        {
            var series = all.Where(series => series.Model == model.Name && !series.Name.Contains(Separator, StringComparison.Ordinal)).ToList();
            yield return new ReportTable($"checkpoints-{index + 1}", $"{model.Name} over checkpoints", ["Step", .. series.Select(one => one.Name)],
                [.. model.Model.Checkpoints.Select(checkpoint => new TableRow(NumberText.Count(checkpoint.Step), RowOrigin.Ours,
                    [.. series.Select(one => Value(checkpoint, one.Name) is { } value ? TableCell.Of(value, Digits(model, one.Name)) : TableCell.None)]))]);
        }
    }

    private const string Separator = ": ";

    private static int Digits(ModelStanding model, string task) => model.Named(task)?.Digits ?? 1;

    private static IEnumerable<string> Names(TaskResult result) =>
        [.. result.Score is null ? Array.Empty<string>() : [result.Task], .. result.Metrics.Keys.Order(StringComparer.Ordinal).Select(name => string.Create(CultureInfo.InvariantCulture, $"{result.Task}{Separator}{name}"))];

    private static double? Value(CheckpointResults checkpoint, string name)
    {
        var parts = name.Split(Separator, 2);
        if (checkpoint.Tasks.FirstOrDefault(result => result.Task == parts[0]) is not { } result) return null;
        if (parts.Length == 1) return result.Score * result.Unit.Scale;
        return result.Metrics.TryGetValue(parts[1], out var value) ? value : null;
    }
}

using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;

namespace Tulu2.Training.Steps;

/// <summary>The values of a step that must be finite.</summary>
internal static class StepFigures
{
    /// <summary>Values before those derived from them, so that the first one that is not finite is nearest to the cause.</summary>
    public static IEnumerable<(string Name, double Value)> Of(double loss, double norm, NamedValues more) =>
    [
        ("loss", loss), ("gradient norm", norm),
        .. more.Select(value => (Metric: ObjectiveCatalog.Metric(value.Name), value.Value)).OrderBy(value => value.Metric.IsDerived)
            .Select(value => (value.Metric.Words, value.Value)),
    ];

    /// <summary>Text that names the first slot with a figure that is not finite; empty where all are finite.</summary>
    public static string FirstSlot(IReadOnlyList<double[]> figures)
    {
        for (var slot = 0; slot < figures.Count; slot++)
            if (!Array.TrueForAll(figures[slot], double.IsFinite)) return $" (first in slot {slot})";
        return "";
    }
}

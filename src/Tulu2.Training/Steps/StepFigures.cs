using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;

namespace Tulu2.Training.Steps;

/// <summary>The measured values of a step, for the check that all of them are finite.</summary>
internal static class StepFigures
{
    /// <summary>Causes before what is computed from them, so that the first value that is not finite is the one to look at.</summary>
    public static IEnumerable<(string Name, double Value)> Of(double loss, double norm, NamedValues more) =>
    [
        ("loss", loss), ("gradient norm", norm),
        .. more.Select(value => (Metric: ObjectiveCatalog.Metric(value.Name), value.Value)).OrderBy(value => value.Metric.IsDerived)
            .Select(value => (value.Metric.Words, value.Value)),
    ];

    /// <summary>Words for the first slot with a figure that is not finite; empty where each slot's are.</summary>
    public static string FirstSlot(IReadOnlyList<double[]> figures)
    {
        for (var slot = 0; slot < figures.Count; slot++)
            if (!Array.TrueForAll(figures[slot], double.IsFinite)) return $" (first in slot {slot})";
        return "";
    }
}

using System.Globalization;
using Tulu2.Protocol.Ids;
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

    /// <summary>What is at fault in a step; null: all of its values are finite. The same on every rank, and on every layout.</summary>
    public static StepFault? Fault(IEnumerable<(string Name, double Value)> values, ReducedStep reduced)
    {
        foreach (var (figure, value) in values)
        {
            if (double.IsFinite(value)) continue;
            int[] slots = [.. Enumerable.Range(0, reduced.Figures.Length).Where(IsBroken)];
            var first = slots is [var slot, ..] ? $" (first in slot {slot})" : "";
            return new StepFault($"the {figure}{first} is {value.ToString(CultureInfo.InvariantCulture)}", [.. slots.Select(each => new SlotNumber(each))]);
        }
        return null;

        bool IsBroken(int slot) => reduced.Broken.Contains(slot) || !Array.TrueForAll(reduced.Figures[slot], double.IsFinite);
    }
}

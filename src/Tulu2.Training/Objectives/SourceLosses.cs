using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Objectives;

/// <summary>
/// The loss of each source of a run's rows, where there are several: figures of a slot behind those of the objective, [2 * sources] the sum of the losses and their
/// number. A step's loss of a source is the mean over its tokens (or pairs) in that step; a source without any has none.
/// </summary>
internal sealed class SourceLosses
{
    private readonly string[] _names;
    private readonly int[] _ends;
    private readonly int[] _nameOf;

    /// <param name="sources">The sources of the run's items; sources of one name count together.</param>
    public SourceLosses(IReadOnlyList<SourceItems> sources)
    {
        _names = [.. sources.Select(source => source.Name).Distinct()];
        _nameOf = [.. sources.Select(source => Array.IndexOf(_names, source.Name))];
        _ends = new int[sources.Count];
        for (var (index, end) = (0, 0); index < sources.Count; index++) _ends[index] = end += sources[index].Count;
        // The loss itself says as much of a single source.
        if (_names.Length < 2) _names = [];
    }

    private int Length => 2 * _names.Length;

    public double[] Append(double[] figures, SlotBatch batch, Func<(double Loss, int Count)[]> itemLosses)
    {
        if (Length == 0) return figures;
        var sums = new double[Length];
        foreach (var (index, (loss, count)) in itemLosses().Index())
        {
            var source = SourceOf(batch.Sequences[index]);
            sums[2 * source] += loss;
            sums[2 * source + 1] += count;
        }
        return [.. figures, .. sums];
    }

    /// <returns>The objective's own figures, by slot, and the loss of each source of the step.</returns>
    public (IReadOnlyList<double[]> Own, NamedValues Losses) Split(IReadOnlyList<double[]> figures)
    {
        if (Length == 0) return (figures, []);
        var losses = new List<NamedValue>();
        for (var source = 0; source < _names.Length; source++)
        {
            var (sum, count) = (new CompensatedSum(), 0.0);
            foreach (var slot in figures.Where(slot => slot.Length > 0))
            {
                sum.Add(slot[^(Length - 2 * source)]);
                count += slot[^(Length - 2 * source - 1)];
            }
            if (count > 0) losses.Add(new NamedValue(MetricNames.LossOf(_names[source]), sum.Value / count));
        }
        return ([.. figures.Select(slot => slot.Length > 0 ? slot[..^Length] : slot)], [.. losses]);
    }

    private int SourceOf(int item)
    {
        var at = Array.BinarySearch(_ends, item + 1);
        at = at < 0 ? ~at : at;
        // Of sources that end at the same item all but the first are empty.
        while (at > 0 && _ends[at - 1] >= item + 1) at--;
        return _nameOf[at];
    }
}

using Tulu2.Data.Python;
using Tulu2.Files;

namespace Tulu2.Mixtures.Selection;

/// <summary>Samples as Python's <c>random.sample</c> does, in the order drawn: what most of the original converters do.</summary>
internal class SampleRule : ISelectionRule
{
    public SourceSelection Select(IReadOnlyList<EntryCount> entries, Amount amount, PythonRandom random)
    {
        var records = checked(entries.Sum(entry => entry.Records));
        if (amount.Samples is { } samples) return new SourceSelection(records, 0, [.. OfEach(entries, samples, random)]);
        if (amount.Sample is { } wanted) return new SourceSelection(records, 0, Draw(Enough(null, records, wanted), wanted, random));
        if (amount.Weight is not { } weight) return SourceSelection.All(records);
        var passes = (int)weight;
        // Truncated, as the original's int(share * total) is.
        var part = (int)((weight - passes) * records);
        return new SourceSelection(records, passes, part == 0 ? [] : Draw(records, part, random));
    }

    /// <summary>Numbers of chosen records out of <paramref name="records"/>, in their order.</summary>
    protected virtual int[] Draw(int records, int chosen, PythonRandom random) => random.Sample(records, chosen);

    /// <summary>The numbers that count for each entry, after slips of the original.</summary>
    protected virtual IReadOnlyList<int> Samples(IReadOnlyList<int> samples) => samples;

    private IEnumerable<int> OfEach(IReadOnlyList<EntryCount> entries, IReadOnlyList<int> samples, PythonRandom random)
    {
        if (samples.Count != entries.Count)
            throw new SelectionFault("sample",
                $"has {NumberText.Count(samples.Count, "number")} for {NumberText.Count(entries.Count, "entry", "entries")} of files",
                "give one number for each entry of files, or one for all together");
        var first = 0;
        foreach (var (entry, wanted) in entries.Zip(Samples(samples)))
        {
            var offset = first;
            foreach (var chosen in Draw(Enough(entry.Name, entry.Records, wanted), wanted, random)) yield return offset + chosen;
            first += entry.Records;
        }
    }

    private static int Enough(string? name, int records, int wanted) => wanted <= records ? records
        : throw new SelectionFault("sample",
            $"asks for {NumberText.Count(wanted, "record")}, but {(name is null ? "there are" : $"{name} has")} {NumberText.Count(records)}",
            "take fewer, or use `weight: 1` for all that there are");
}

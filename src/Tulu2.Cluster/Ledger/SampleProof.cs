using Tulu2.Data.Slots;

namespace Tulu2.Cluster.Ledger;

/// <summary>
/// Proves from the log that no row (or pair) was lost or counted too often: each slot of a step names its own, a step that is made again names the same, no epoch passes
/// one more often than it is to, and a whole epoch leaves out only what does not fill a last step. Used for one log only.
/// </summary>
internal sealed class SampleProof
{
    private readonly Dictionary<int, IReadOnlyList<IReadOnlyList<int>>> _steps = [];
    private EpochFacts? _epoch;
    private int _slots;

    /// <summary>Steps whose rows the log has.</summary>
    public int Steps => _steps.Count;

    public void Begin(EpochFacts? epoch, int slots, bool isNew)
    {
        (_epoch, _slots) = (epoch, slots);
        if (isNew) _steps.Clear();
    }

    /// <summary>Steps after that are made again by another recipe.</summary>
    public void Forget(int after)
    {
        foreach (var step in _steps.Keys.Where(step => step > after).ToList()) _steps.Remove(step);
    }

    /// <returns>What is wrong with the step's rows, if anything.</returns>
    public IEnumerable<string> Add(LedgerEvent.StepCommitted step)
    {
        if (step.Samples is not { } samples) yield break;
        if (samples.Count != _slots || samples.Any(slot => slot.Count == 0)) yield return $"names the rows of {samples.Count(slot => slot.Count > 0)} of {_slots} slots";
        if (_steps.TryGetValue(step.Step, out var before) && !before.Zip(samples).All(slot => slot.First.SequenceEqual(slot.Second)))
            yield return "was made again with other rows";
        _steps[step.Step] = samples;
    }

    /// <summary>What is wrong with the epochs, if anything.</summary>
    public IEnumerable<string> Faults()
    {
        if (_epoch is not { } epoch) yield break;
        foreach (var steps in _steps.GroupBy(step => (step.Key - 1) / epoch.Steps).OrderBy(steps => steps.Key))
        {
            var passed = steps.SelectMany(step => step.Value).SelectMany(slot => slot).CountBy(sample => sample).ToList();
            foreach (var (sample, times) in passed.Where(sample => sample.Value > epoch.Most).OrderBy(sample => sample.Key))
                yield return $"epoch {steps.Key + 1} passes row {sample} {times} times, and is to pass it at most {epoch.Most} times";
            var total = passed.Sum(sample => sample.Value);
            var ofStep = steps.Max(step => step.Value.Sum(slot => slot.Count));
            if (steps.Count() == epoch.Steps && (total != epoch.Steps * ofStep || total > epoch.Items || epoch.Items - total >= ofStep))
                yield return $"epoch {steps.Key + 1} passes {total} of {epoch.Items} rows";
        }
    }
}

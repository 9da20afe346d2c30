using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <param name="Steps">Different steps that were committed.</param>
/// <param name="Replayed">Commits of steps that had been committed before.</param>
/// <param name="Faults">One line each; empty: the ledger is sound.</param>
/// <param name="Notes">What a sound ledger says of its own gaps, and of changes of the recipe, one line each.</param>
public sealed record LedgerVerdict(int Entries, int Steps, int Replayed, IReadOnlyList<string> Faults, IReadOnlyList<string> Notes)
{
    public bool IsSound => Faults.Count == 0;

    /// <summary>Steps of which the ledger names every slot's rows; in those of older versions there are none.</summary>
    public int StepsWithSamples { get; init; }

    /// <summary>Where the time of the ranks went; null: there is no ledger that could be read.</summary>
    public RunTimes? Times { get; init; }
}

/// <summary>
/// Proves from the log that no sample was lost or counted twice (<see cref="SampleProof"/>): every committed step has each slot exactly once, steps follow one another without a
/// gap, and a step made again had the same gradient; and that every rank's time is in one class.
/// </summary>
public static class LedgerVerifier
{
    /// <param name="ledgerDirectory">The <c>ledger/</c> directory of a run.</param>
    /// <exception cref="BadInputException">There is no log.</exception>
    public static LedgerVerdict Verify(string ledgerDirectory)
    {
        var path = Path.Combine(ledgerDirectory, LedgerReader.FileName);
        if (!File.Exists(path)) throw new BadInputException(path, "there is no ledger", "name the directory of a run that has begun");
        try
        {
            return Verify(LedgerReader.Read(ledgerDirectory));
        }
        catch (BadInputException altered)
        {
            return new LedgerVerdict(0, 0, 0, [$"{altered.Message}; {altered.Fix}"], []);
        }
    }

    internal static LedgerVerdict Verify(IReadOnlyList<LedgerEntry> entries)
    {
        List<string> faults = [], notes = [];
        var hashes = new Dictionary<int, string>();
        var quarantined = new HashSet<(int Step, int Slot)>();
        var passedOver = new HashSet<int>();
        var validations = new Dictionary<int, IReadOnlyDictionary<string, double>>();
        int slots = 0, last = 0, lost = 0, replayed = 0;
        long generation = 0, elapsed = 0;
        var samples = new SampleProof();
        var mayMove = false; // no step was committed yet since a generation was opened
        string? recipe = null;
        foreach (var (number, _, what) in entries)
        {
            switch (what)
            {
                case LedgerEvent.RunStarted started:
                    (slots, last, lost, recipe, elapsed) = (started.Slots, started.Step, 0, started.RecipeHash, 0);
                    samples.Begin(started.Epoch, started.Slots, isNew: true);
                    hashes.Clear();
                    validations.Clear();
                    quarantined.Clear();
                    passedOver.Clear();
                    break;
                case LedgerEvent.HistoryLost gap:
                    lost = Math.Max(lost, gap.To);
                    notes.Add($"entry {number}: {gap.Text}");
                    break;
                case LedgerEvent.RecipeChanged changed:
                    foreach (var step in validations.Keys.Where(step => step > changed.After).ToList()) validations.Remove(step);
                    if (changed.RecipeHash != recipe) passedOver.RemoveWhere(step => step > changed.After);
                    if (changed.RecipeHash != recipe)
                    {
                        samples.Forget(changed.After);
                        foreach (var step in hashes.Keys.Where(step => step > changed.After).ToList()) hashes.Remove(step);
                    }
                    recipe = changed.RecipeHash;
                    notes.Add($"entry {number}: changed after step {changed.After}: {string.Join(", ", changed.Keys)}");
                    break;
                case LedgerEvent.SlotQuarantined slot:
                    quarantined.Add((slot.Step, slot.Slot));
                    notes.Add($"entry {number}: slot {slot.Slot} of step {slot.Step} is left out: {slot.Why}");
                    break;
                case LedgerEvent.RolledBack back:
                    foreach (var step in validations.Keys.Where(step => step > back.To).ToList()) validations.Remove(step);
                    foreach (var step in hashes.Keys.Where(step => step > back.To).ToList()) hashes.Remove(step);
                    passedOver.RemoveWhere(step => step > back.To);
                    passedOver.UnionWith(Enumerable.Range(back.To + 1, back.Through - back.To));
                    notes.Add($"entry {number}: rolled back to step {back.To}, steps {back.To + 1} to {back.Through} are passed over: {back.Why}");
                    break;
                case LedgerEvent.RunResumed resumed:
                    (slots, last, recipe) = (resumed.Slots, resumed.Step, resumed.RecipeHash);
                    samples.Begin(resumed.Epoch, resumed.Slots, isNew: false);
                    if (resumed.Step > lost && !hashes.ContainsKey(resumed.Step))
                        faults.Add($"entry {number}: resumed after step {resumed.Step}, which was never committed");
                    break;
                case LedgerEvent.GenerationOpened opened:
                    if (opened.Generation <= generation) faults.Add($"entry {number}: generation {opened.Generation} was opened after generation {generation}");
                    generation = Math.Max(generation, opened.Generation);
                    mayMove = true;
                    break;
                case LedgerEvent.StepCommitted step:
                    // Recovery goes back or, where a manifest has settled meanwhile, forward again, but only to a step that was committed.
                    if (step.Step != last + 1 && !(mayMove && (step.Step <= last || hashes.ContainsKey(step.Step - 1) || step.Step - 1 <= lost)))
                        faults.Add($"entry {number}: step {step.Step} was committed after step {last}");
                    if (step.Generation != generation)
                        faults.Add($"entry {number}: step {step.Step} was committed by generation {step.Generation} in generation {generation}");
                    if (hashes.TryGetValue(step.Step, out var before))
                    {
                        replayed++;
                        if (before != step.GradientHash)
                            faults.Add($"entry {number}: step {step.Step} was made again with the gradient {step.GradientHash} instead of {before}");
                    }
                    mayMove = false;
                    if (passedOver.Contains(step.Step) && step.Skipped is null) faults.Add($"entry {number}: step {step.Step} was to be passed over, and was made");
                    if (step.Skipped is { } why && before is null && !passedOver.Contains(step.Step)) notes.Add($"entry {number}: step {step.Step} was skipped: {why}");
                    var left = (step.LeftOut ?? []).Order().ToList();
                    var known = quarantined.Where(slot => slot.Step == step.Step).Select(slot => slot.Slot).Order().ToList();
                    if (!left.SequenceEqual(known))
                        faults.Add($"entry {number}: step {step.Step} was made without the slots [{string.Join(", ", left)}]; those left out of it are [{string.Join(", ", known)}]");
                    faults.AddRange(SlotFaults(step, slots).Concat(samples.Add(step)).Select(fault => $"entry {number}: step {step.Step} {fault}"));
                    hashes[step.Step] = step.GradientHash;
                    last = step.Step;
                    break;
                case LedgerEvent.TimeAccounted accounted:
                    faults.AddRange(TimeFaults(accounted, elapsed).Select(fault => $"entry {number}: {fault}"));
                    elapsed = accounted.Elapsed;
                    break;
                case LedgerEvent.Validated done:
                    if (!hashes.ContainsKey(done.Step) && done.Step > lost) faults.Add($"entry {number}: step {done.Step} was validated but never committed");
                    if (validations.TryGetValue(done.Step, out var values) && !Same(values, done.Values))
                        faults.Add($"entry {number}: step {done.Step} was validated again with other values");
                    validations[done.Step] = done.Values;
                    break;
            }
        }
        faults.AddRange(samples.Faults());
        return new LedgerVerdict(entries.Count, hashes.Count, replayed, faults, notes) { Times = RunTimes.Of(entries), StepsWithSamples = samples.Steps };
    }

    // The first rank is part of every run at all times; another one's time may be less, where the run was scaled.
    private static IEnumerable<string> TimeFaults(LedgerEvent.TimeAccounted accounted, long before)
    {
        if (!accounted.IsWhole || accounted.Useful.Count == 0)
        {
            yield return "a class of time is missing for some ranks";
            yield break;
        }
        if (accounted.Elapsed < before) yield return $"{accounted.Elapsed} us were accounted for, after {before}";
        foreach (var (rank, times) in accounted.Times().Ranks.Index())
        {
            if (times.ByClass.Any(time => time < 0)) yield return $"rank {rank} has a class of time below 0";
            if (rank == 0 ? times.Total != accounted.Elapsed : times.Total > accounted.Elapsed)
                yield return $"the classes of rank {rank}'s time sum to {times.Total} us of {accounted.Elapsed}";
        }
    }

    private static bool Same(IReadOnlyDictionary<string, double> one, IReadOnlyDictionary<string, double> other) =>
        one.Count == other.Count && one.All(value => other.TryGetValue(value.Key, out var same) && same.Equals(value.Value));

    private static IEnumerable<string> SlotFaults(LedgerEvent.StepCommitted step, int slots)
    {
        var times = new int[slots];
        foreach (var slot in step.Shares.SelectMany(share => share.Slots).SelectMany(range => Enumerable.Range(range.First, range.Count)))
        {
            if (slot < 0 || slot >= slots) yield return $"has the slot {slot} of {slots}";
            else times[slot]++;
        }
        for (var slot = 0; slot < slots; slot++)
            if (times[slot] != 1) yield return $"has slot {slot} {times[slot]} times";
    }
}

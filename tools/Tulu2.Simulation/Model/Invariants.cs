using Tulu2.Cluster.Ledger;
using Tulu2.Protocol.Workers;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>What must hold whatever happens, checked as it happens.</summary>
internal sealed class Invariants(EventLoop loop, RunShape shape, Arithmetic arithmetic, RunDisk disk)
{
    private readonly Dictionary<long, string> _rosters = [];
    private readonly Dictionary<int, int> _commits = [];
    private readonly HashSet<int> _everCommitted = [];
    private readonly Dictionary<(int Step, int Slot, int Part), int> _computed = [];
    private readonly HashSet<string> _sizes = [];
    private long _generation;
    private bool _hasGap;
    private int _replayedFrom = int.MaxValue;

    /// <summary>The first thing that did not hold; null: all is well.</summary>
    public string? Violation { get; private set; }

    /// <summary>Commits that are in the ledger.</summary>
    public int Commits => _commits.Values.Sum();

    /// <summary>Steps that were committed more than once, since their state was lost.</summary>
    public int Replayed => _commits.Values.Sum() - _commits.Count;

    public int Reloads { get; private set; }

    public int Generations => _rosters.Count;

    /// <summary>The schedule has changes on purpose only, and no loss: nothing may be made twice.</summary>
    public bool IsPlanned { get; set; }

    /// <summary>How many different sets of ranks made a generation.</summary>
    public int Rosters => _sizes.Count;

    public void Violated(string what)
    {
        if (Violation is null) loop.Say($"VIOLATED: {what}");
        Violation ??= what;
    }

    /// <summary>An entry is in the ledger's file.</summary>
    public void Written(LedgerEvent what)
    {
        switch (what)
        {
            case LedgerEvent.GenerationOpened opened:
                if (opened.Generation <= _generation) Violated($"generation {opened.Generation} is opened after generation {_generation}");
                _generation = Math.Max(_generation, opened.Generation);
                break;
            case LedgerEvent.StepCommitted step:
                Committed(step);
                break;
        }
    }

    private void Committed(LedgerEvent.StepCommitted step)
    {
        if (step.Generation != _generation) Violated($"step {step.Step} is committed by generation {step.Generation} in generation {_generation}");
        var slots = step.Shares.SelectMany(share => share.Slots).SelectMany(range => Enumerable.Range(range.First, range.Count)).Order();
        if (!slots.SequenceEqual(Enumerable.Range(0, shape.Slots))) Violated($"step {step.Step} is committed with the slots {string.Join(",", slots)} of {shape.Slots}");
        if (step.GradientHash != arithmetic.ExpectedHash(step.Step)) Violated($"step {step.Step} is committed with another gradient than in an undisturbed run");
        if (IsPlanned && _commits.ContainsKey(step.Step)) Violated($"step {step.Step} is replayed, and nothing was lost");
        if (_commits.ContainsKey(step.Step) && step.Step < _replayedFrom) Violated($"step {step.Step} is committed twice, and no rank went back behind it");
        _everCommitted.Add(step.Step);
        _commits[step.Step] = _commits.GetValueOrDefault(step.Step) + 1;
        // What is replayed once counts from here on.
        if (_replayedFrom <= step.Step) _replayedFrom = step.Step + 1;
    }

    /// <summary>
    /// The machine of the coordinator has crashed, and these entries of the ledger were not on its disk. A commit among them counts on if a rank has applied it; then the ledger has a gap.
    /// A generation that a rank has joined may never be opened again.
    /// </summary>
    public void Lost(IEnumerable<LedgerEvent> entries)
    {
        foreach (var step in entries.OfType<LedgerEvent.StepCommitted>())
        {
            (_hasGap, _replayedFrom) = (true, Math.Min(_replayedFrom, step.Step));
            if (--_commits[step.Step] == 0) _commits.Remove(step.Step);
        }
        var opened = disk.Ledger.Select(entry => entry.Event).OfType<LedgerEvent.GenerationOpened>().Select(generation => generation.Generation);
        _generation = _rosters.Keys.Concat(opened).DefaultIfEmpty().Max();
    }

    /// <summary>A rank joins a generation.</summary>
    public void Joined(int rank, long generation, IReadOnlyList<string> endpoints, Roster members)
    {
        var roster = $"{string.Join(",", members.Ranks)} at {string.Join(" ", endpoints)}";
        _sizes.Add(string.Join(",", members.Ranks));
        if (endpoints.Count != members.Ranks.Length) Violated($"generation {generation} has {members.Ranks.Length} ranks and {endpoints.Count} endpoints");
        if (generation > _generation) Violated($"rank {rank} joins generation {generation}, which is not in the ledger");
        if (!_rosters.TryAdd(generation, roster) && _rosters[generation] != roster) Violated($"two generations have the number {generation}");
    }

    /// <summary>A rank has done its part of a slot.</summary>
    public void Computed(int rank, int step, int slot)
    {
        // Standby copies that move to another node open a generation in the middle of a step.
        if (!IsPlanned || shape.Standby) return;
        // The ranks of a replica each do a part of it.
        var part = rank % shape.Layout.ReplicaSize;
        if (!_computed.TryAdd((step, slot, part), rank))
            Violated($"slot {slot} of step {step} is computed by rank {_computed[(step, slot, part)]} and by rank {rank}, and nothing was lost");
    }

    /// <summary>A rank has applied a step.</summary>
    public void Applied(WorkerModel worker, string hash)
    {
        var (step, state, _) = worker.Holds;
        if (!_everCommitted.Contains(step)) Violated($"rank {worker.Rank} applied step {step}, which is not in the ledger");
        if (state != arithmetic.Expected(arithmetic.PartOf(worker.Rank), step)) Violated($"rank {worker.Rank} has another state at step {step} than in an undisturbed run ({hash})");
        if (worker.Keeps is { } kept && kept.Step == step && kept.State != arithmetic.Expected(arithmetic.PartOf(kept.Of), step))
            Violated($"the copy of rank {kept.Of} on rank {worker.Rank} is not its state at step {step}");
    }

    /// <summary>A manifest is on disk.</summary>
    public void Manifested(StoredManifest manifest)
    {
        foreach (var shard in manifest.Shards)
            if (!disk.Shards.TryGetValue(shard.Sha256, out var there) || there.Step != manifest.Step) Violated($"the manifest of step {manifest.Step} names the shard {shard.Sha256}, which is missing");
        var stored = manifest.Shards.Select(shard => disk.Shards.GetValueOrDefault(shard.Sha256)).OfType<StoredShard>().ToArray();
        for (var part = 0; part < arithmetic.Parts; part++)
        {
            StoredShard[] shares = [.. stored.Where(shard => arithmetic.PartOf(shard.Rank) == part).OrderBy(shard => shard.Share)];
            if (shares.Length == 0 || shares.Any(share => share.Shares != shares.Length) || !shares.Select(share => share.Share).SequenceEqual(Enumerable.Range(0, shares.Length)))
                Violated($"the manifest of step {manifest.Step} has of part {part} the shares {string.Join(", ", shares.Select(share => share.Name))}");
        }
        if (!_everCommitted.Contains(manifest.Step)) Violated($"there is a manifest of step {manifest.Step}, which is not in the ledger");
        foreach (var shard in stored)
            if (shard.State != arithmetic.Expected(arithmetic.PartOf(shard.Rank), shard.Step)) Violated($"the shard {shard.Name} is not what an undisturbed run writes");
    }

    /// <summary>What is needed of a checkpoint is on disk as long as it is there.</summary>
    public void Pruned()
    {
        foreach (var manifest in disk.Manifests.Values)
            if (manifest.Shards.FirstOrDefault(shard => !disk.Shards.ContainsKey(shard.Sha256)) is { } shard)
                Violated($"the shard {shard.Sha256} is deleted, and the manifest of step {manifest.Step} names it");
    }

    /// <summary>Items were scored: they count.</summary>
    public void Kept(int step, string benchmark, int first, int count)
    {
        if (!disk.Scored.TryGetValue((step, benchmark), out var items)) disk.Scored[(step, benchmark)] = items = [];
        for (var item = first; item < first + count; item++)
            if (!items.Add(item)) Violated($"item {item} of {benchmark} is scored twice on the checkpoint of step {step}");
    }

    public void Scored(int step, string benchmark, double score)
    {
        if (!disk.Scores.TryAdd((step, benchmark), score)) Violated($"the checkpoint of step {step} has two scores of {benchmark}");
    }

    /// <summary>
    /// The ranks of a generation begin with the state of a step. It is that of the last commit, unless some part of that is on none of them; then no older one than the newest checkpoint has.
    /// </summary>
    /// <param name="workers">Those that take part, and those that could have.</param>
    /// <param name="loads">They load a checkpoint or the recipe's weights.</param>
    public void Begun(long generation, IEnumerable<WorkerModel> workers, int step, int decided, int? checkpoint, bool loads)
    {
        if (step < checkpoint) Violated($"generation {generation} begins with step {step}, although there is a checkpoint of step {checkpoint}");
        if (loads) Reloads++;
        if (step >= decided && !loads) return;
        var needed = Math.Max(step, decided);
        if (needed > 0 && needed != checkpoint && workers.SelectMany(worker => PartsAt(worker, needed)).ToHashSet().Count == arithmetic.Parts)
            Violated($"generation {generation} begins with step {step}, although ranks that live have every part of step {needed}");
        // What came after it is committed again.
        _replayedFrom = step + 1;
    }

    private IEnumerable<int> PartsAt(WorkerModel worker, int step)
    {
        var (has, _, reduced) = worker.Holds;
        bool Has(int at) => at == step || (at + 1 == step && has + 1 == step && reduced == arithmetic.ExpectedHash(step));
        if (Has(has)) yield return arithmetic.PartOf(worker.Rank);
        if (worker.Keeps is { } kept && Has(kept.Step)) yield return arithmetic.PartOf(kept.Of);
    }

    private static bool IsGap(string fault) =>
        fault.Contains("was committed after step", StringComparison.Ordinal) || fault.Contains("was validated but never committed", StringComparison.Ordinal);

    /// <summary>The ledger, read as <c>ledger verify</c> does.</summary>
    public void Ended(int steps)
    {
        foreach (var fault in LedgerVerifier.Verify(disk.Ledger).Faults.Where(fault => !_hasGap || !IsGap(fault)))
            Violated($"ledger: {fault}");
        for (var step = 1; step <= steps; step++)
            if (!_everCommitted.Contains(step)) Violated($"the run ended after step {steps}, and step {step} was never committed");
    }
}

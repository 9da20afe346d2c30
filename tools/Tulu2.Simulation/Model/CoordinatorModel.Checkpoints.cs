using Tulu2.Cluster.Ledger;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.GradientSync;

namespace Tulu2.Simulation.Model;

/// <summary>Which manifest exists.</summary>
internal sealed partial class CoordinatorModel
{
    private CheckpointCatalog _catalog;

    private int? _resort, _written;

    private IReadOnlyCollection<int> NeededManifests => [.. _evaluation?.Needed ?? [], .. _resort is { } step ? [step] : Array.Empty<int>()];

    // Ranks may be loading the newest checkpoint of the time when the snapshot in flight began.
    private void BeginSnapshot(Protocol.Ids.StepNumber step, IEnumerable<Protocol.Ids.Rank> ranks)
    {
        _catalog = _catalog.Begin(step, ranks);
        if (_world.Mutation.PrunesAtOnce || _resort == _written) return;
        var isFree = _resort is not null;
        _resort = _written;
        if (isFree) Process.After(TimeSpan.Zero, Prune);
    }

    private void Prune()
    {
        _world.Disk.Prune(_world.Shape.Keep, NeededManifests);
        _world.Invariants.Pruned();
    }

    // What it finds at the beginning it deletes some time later: the disk may be slow, and workers of an earlier life are at their work.
    private void Sweep()
    {
        var orphans = _world.Disk.Orphans();
        Process.After(_world.About(_world.Times.Manifest), () =>
        {
            var now = _world.Disk.Orphans().ToHashSet();
            foreach (var shard in orphans.Where(now.Contains)) _world.Disk.Shards.Remove(shard);
            _world.Invariants.Pruned();
        });
    }

    private void Settle((CheckpointCatalog Next, CatalogDecision Decision) arrived)
    {
        _catalog = arrived.Next;
        switch (arrived.Decision)
        {
            case CatalogDecision.ManifestDue due:
                _world.At("ManifestDue");
                _ledger.WhenDurable(() => Process.After(_world.About(_world.Times.Manifest), () => Write(due)));
                break;
            case CatalogDecision.Abandoned abandoned:
                Abandon(abandoned);
                break;
        }
    }

    private void Abandon(CatalogDecision.Abandoned abandoned)
    {
        _world.Loop.Say($"{Process.Name} gives up the checkpoint of step {abandoned.Step}: {abandoned.Why}");
        _ledger.Append(new LedgerEvent.CheckpointFailed(abandoned.Step, abandoned.Why));
        var settled = new SyncCommand.SnapshotSettled(abandoned.Step, null, abandoned.Why, abandoned.Lost, _world.Loop.Now);
        Process.After(TimeSpan.Zero, () => Take(settled));
    }

    private void Write(CatalogDecision.ManifestDue due)
    {
        if (_world.Disk.IsFull)
        {
            Abandon(new CatalogDecision.Abandoned(due.Step, "no space left on the disk", Lost: false));
            return;
        }
        var manifest = new StoredManifest(due.Step, due.Shards);
        _world.Disk.Manifests[due.Step] = manifest;
        _world.Invariants.Manifested(manifest);
        _world.At("ManifestWritten");
        if (!Process.IsAlive) return;
        Prune();
        Process.After(_world.About(_world.Times.Manifest), () =>
        {
            _world.Loop.Say($"{Process.Name} has written the checkpoint of step {due.Step}");
            _ledger.Append(new LedgerEvent.CheckpointWritten(due.Step, manifest.Path));
            _written = due.Step;
            Written(due.Step);
            Take(new SyncCommand.SnapshotSettled(due.Step, manifest.Path, null, false, _world.Loop.Now));
        });
    }
}

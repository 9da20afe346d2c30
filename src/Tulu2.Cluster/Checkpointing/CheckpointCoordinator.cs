using System.Diagnostics;
using Akka.Actor;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Files;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Contents common to all manifests of a run, and the number that is kept.</summary>
internal sealed record CheckpointSetup(
    int Ranks, int Keep, string RecipeHash, int VirtualShards, IReadOnlyDictionary<string, string> Facts, ICheckpointWriter Writer, string? Recipe = null)
{
    /// <summary>The newest checkpoint of an earlier life, which the ranks may load; null: there is none.</summary>
    public StepNumber? Newest { get; init; }

    /// <summary>The checkpoint of the best validation is kept.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>The best step that is known of an earlier life; null: none.</summary>
    public StepNumber? Best { get; init; }

    /// <summary>The best of the steps whose state the run begins with or has gone past; later ones may have no checkpoint yet. Null: none.</summary>
    public StepNumber? BestBefore { get; init; }

    /// <summary>Checkpoints are kept until the evaluation pool has said that it does not need them.</summary>
    public bool IsEvaluated { get; init; }

    /// <summary>Steps whose checkpoints the evaluation of an earlier life needs yet.</summary>
    public IReadOnlyCollection<int> Pinned { get; init; } = [];
}

/// <summary>Decides which manifest exists: writes one when all shards of a snapshot are durable and the ledger has its step, then deletes old ones.</summary>
internal sealed class CheckpointCoordinator : UntypedActor
{
    private readonly CheckpointSetup _setup;
    private readonly IActorRef _ledger;
    private readonly DedicatedThread _thread = new("manifests", RunProtocol.EndRun(Context.Parent));
    private readonly ShardAssembly _assembly = new();
    private readonly RunEventPublisher _events;
    private CheckpointCatalog _catalog;
    private CatalogDecision.ManifestDue? _due;
    private long _begun;

    // The best step, and the one with a checkpoint that is kept until the best has one.
    private StepNumber? _best;
    private StepNumber? _kept;
    private StepNumber? _written;

    // The newest checkpoint when the snapshot in flight began: ranks whose state is lost meanwhile go back to it, and may still be loading it when the next one is written.
    private StepNumber? _resort;

    // Steps that the evaluation needs, and later ones that it has not judged yet.
    private IReadOnlyCollection<int> _pinned;
    private readonly SortedSet<int> _unjudged = [];

    // Requester of the snapshot in flight.
    private IActorRef _asker = ActorRefs.Nobody;

    public CheckpointCoordinator(CheckpointSetup setup, IActorRef ledger) =>
        (_setup, _ledger, _events, _catalog, _best, _kept, _pinned, _written) =
        (setup, ledger, new RunEventPublisher(ledger, Context.Parent), new CheckpointCatalog(setup.Ranks), setup.Best, setup.BestBefore, setup.Pinned, setup.Newest);

    // The newest are kept in any case.
    private IReadOnlyCollection<int> Besides => [.. _pinned.Union(_unjudged), .. new[] { _kept, _resort }.OfType<StepNumber>().Select(step => step.Value)];

    private sealed record Written(StepNumber Step, string Path, string? PruneError) : INoSerializationVerificationNeeded;

    private sealed record WriteFailed(StepNumber Step, string Error) : INoSerializationVerificationNeeded;

    protected override void PreStart() => Sweep();

    protected override void PostStop() => _thread.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case CheckpointProtocol.SnapshotBegun begun:
                _catalog = _catalog.Begin(begun.Step);
                Relieve(_written);
                _assembly.Clear();
                _asker = Sender;
                _begun = Stopwatch.GetTimestamp();
                break;
            case CheckpointProtocol.Best { Step: var best }:
                if (!_setup.KeepsBest) break;
                _best = best;
                // Its checkpoint may have been due anyway, and been written while it was validated.
                if (_written == best) _kept = best;
                break;
            case CheckpointProtocol.Pinned pinned:
                _pinned = pinned.Steps;
                _unjudged.RemoveWhere(step => step <= pinned.Judged);
                break;
            case CheckpointProtocol.ShardPart part when part.Step == _catalog.Step:
                if (_assembly.Add(part) is { } shard) Take(_catalog.Arrive(part.Rank, part.Step, shard));
                break;
            case CheckpointProtocol.ShardFailed failed:
                Take(_catalog.Fail(failed.Rank, failed.Step, failed.Error));
                break;
            case CheckpointProtocol.RanksGone gone:
                Take(_catalog.Gone(gone.Step, gone.Ranks));
                break;
            case LedgerProtocol.Durable durable when durable.Tag == _due?.Step:
                Write(_due);
                break;
            case Written written:
                _due = null;
                _written = written.Step;
                var seconds = Stopwatch.GetElapsedTime(_begun).TotalSeconds;
                _events.Publish(new RunEvent.CheckpointWritten(written.Step, written.Path, seconds));
                _events.Publish(written.PruneError is { } error
                    ? new RunEvent.CheckpointFailed(written.Step, $"it was written, but older ones could not be deleted: {error}")
                    : new RunEvent.CheckpointsPruned(_setup.Keep));
                _asker.Tell(new CheckpointProtocol.Settled(written.Step, written.Path, null, false));
                break;
            case WriteFailed failed:
                _due = null;
                Abandon(failed.Step, failed.Error, lost: false);
                break;
            case CheckpointProtocol.Close:
                Relieve(null);
                if (_setup.IsEvaluated) Prune();
                Sweep();
                _thread.Dispose();
                _ = _thread.Completion.PipeTo(Sender, Self, () => CheckpointProtocol.Closed.Instance);
                break;
        }
    }

    private void Take((CheckpointCatalog Next, CatalogDecision Decision) taken)
    {
        _catalog = taken.Next;
        switch (taken.Decision)
        {
            case CatalogDecision.ManifestDue due:
                // docs/protocol.md, Checkpoint: a checkpoint whose step the ledger lacks could not be resumed, so the ledger comes first.
                _due = due;
                _ledger.Tell(new LedgerProtocol.Flush(due.Step));
                break;
            case CatalogDecision.Abandoned abandoned:
                Abandon(abandoned.Step, abandoned.Why, abandoned.Lost);
                break;
        }
    }

    private void Write(CatalogDecision.ManifestDue due)
    {
        var self = Self;
        if (due.Step == _best) _kept = _best;
        var besides = Besides;
        if (_setup.IsEvaluated) _unjudged.Add(due.Step);
        _thread.Post(() =>
        {
            string path;
            try
            {
                path = _setup.Writer.Write(new Manifest(due.Step, _setup.VirtualShards, _setup.RecipeHash, due.Shards, _setup.Facts, _setup.Recipe));
            }
            catch (Exception fault)
            {
                self.Tell(new WriteFailed(due.Step, FaultText.Of(fault)));
                return;
            }
            string? error = null;
            try
            {
                _setup.Writer.Prune(_setup.Keep, besides);
            }
            catch (Exception fault)
            {
                error = FaultText.Of(fault);
            }
            self.Tell(new Written(due.Step, path, error));
        });
    }

    // A snapshot begins, so all ranks have a newer state than that of any checkpoint but the newest; or the run is over.
    private void Relieve(StepNumber? resort)
    {
        // The newest two are kept anyway, where more than one is.
        if (_setup.Keep > 1 || _resort == resort) return;
        var isFree = _resort is not null;
        _resort = resort;
        if (isFree) Prune();
    }

    // What was kept until it was scored, or until no rank loaded it any more.
    private void Prune()
    {
        var besides = Besides;
        _thread.Post(() =>
        {
            try
            {
                _setup.Writer.Prune(_setup.Keep, besides);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // It takes up space, and the next one tries again.
            }
        });
    }

    // Deletes the shards of abandoned checkpoints; no rank has started yet, or all have ended.
    private void Sweep() => _thread.Post(() =>
    {
        try
        {
            _setup.Writer.Sweep();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It takes up space, and the next one tries again.
        }
    });

    private void Abandon(StepNumber step, string error, bool lost)
    {
        _events.Publish(new RunEvent.CheckpointFailed(step, error));
        _asker.Tell(new CheckpointProtocol.Settled(step, null, error, lost));
    }
}

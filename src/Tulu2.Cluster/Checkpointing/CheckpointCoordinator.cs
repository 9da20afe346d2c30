using System.Diagnostics;
using Akka.Actor;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Files;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Decides which manifest exists: writes one when all shards of a snapshot are durable and the ledger has its step, then deletes old ones.</summary>
internal sealed class CheckpointCoordinator : UntypedActor, IWithTimers
{
    private static readonly TimeSpan StuckPatience = TimeSpan.FromSeconds(10);

    private readonly CheckpointSetup _setup;
    private readonly IActorRef _ledger;
    private readonly DedicatedThread _thread = new("manifests", RunProtocol.EndRun(Context.Parent));
    private readonly ShardAssembly _assembly = new();
    private readonly RunEventPublisher _events;
    private CheckpointCatalog _catalog;
    private CatalogDecision.ManifestDue? _due;
    private long _begun;

    // The newest snapshot, and the longest time that a rank's step waited for its copy; a rank may tell that after its shard.
    private StepNumber? _snapshot;
    private double? _stall;

    // The step that is rolled back to: of what is written of later ones nobody hears.
    private StepNumber? _rolling;

    // The manifest that the thread is at; it stays at it where the storage is stuck.
    private StepNumber? _writing;

    private StorageWatch _storage;
    private bool _isTrying, _isClosing;
    private long _bytes;

    // Copies the checkpoints to the second place; null: there is none. And the step that it copies.
    private IActorRef? _mirror;
    private StepNumber? _mirroring;
    private IActorRef? _closer;

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
        (_setup, _ledger, _events, _catalog, _best, _kept, _pinned, _storage, _written) = (setup, ledger, new RunEventPublisher(ledger, Context.Parent), new CheckpointCatalog(),
            setup.Best, setup.BestBefore, setup.Pinned, new StorageWatch { Interval = setup.TryStorage }, setup.Newest);

    public ITimerScheduler Timers { get; set; } = null!;

    // The newest are kept in any case.
    private IReadOnlyCollection<int> Besides => [.. _pinned.Union(_unjudged), .. Of(_kept), .. Of(_mirroring), .. Of(_resort)];

    private static int[] Of(StepNumber? step) => step is { } one ? [one.Value] : [];

    private sealed record Written(StepNumber Step, string Path, string? PruneError) : INoSerializationVerificationNeeded;

    private sealed record Overdue(StepNumber Step) : INoSerializationVerificationNeeded;

    private sealed record TryStorage : INoSerializationVerificationNeeded;

    private sealed record Tried(bool Took) : INoSerializationVerificationNeeded;

    private sealed record LetGo : INoSerializationVerificationNeeded;

    private sealed record Discarded(IActorRef Asker, CheckpointProtocol.RolledBack Answer) : INoSerializationVerificationNeeded;

    private sealed record RollBackFailed(StepNumber To, string Error) : INoSerializationVerificationNeeded;

    private sealed record WriteFailed(StepNumber Step, string Error) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        Sweep();
        if (_setup.Mirror is not { } mirror) return;
        var (events, run) = (_events, Context.Parent);
        _mirror = Context.ActorOf(Props.Create(() => new MirrorKeeper(mirror, events, run)), ActorNames.Mirror);
        if (_setup.Newest is { } newest) _mirror.Tell(new MirrorKeeper.Written(newest, Besides));
    }

    protected override void PostStop() => _thread.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case CheckpointProtocol.SnapshotBegun begun:
                _catalog = _catalog.Begin(begun.Step, begun.Ranks);
                Relieve(_written);
                _assembly.Clear();
                _asker = Sender;
                (_begun, _snapshot, _stall) = (Stopwatch.GetTimestamp(), begun.Step, null);
                Timers.StartSingleTimer("deadline", new Overdue(begun.Step), _setup.Deadline);
                break;
            case CheckpointProtocol.SnapshotTaken taken when taken.Step == _snapshot:
                _stall = Math.Max(_stall ?? 0, taken.Seconds);
                break;
            case Overdue overdue:
                GiveUp(overdue.Step);
                break;
            case MirrorKeeper.Copying { Step: var copying }:
                _mirroring = copying;
                break;
            case TryStorage:
                Try();
                break;
            case Tried tried:
                _isTrying = false;
                (_storage, var isDue, var wait) = _storage.Tried(tried.Took);
                if (isDue) _asker.Tell(CheckpointProtocol.Due.Instance);
                if (wait is { } time) Timers.StartSingleTimer("storage", new TryStorage(), time);
                break;
            case CheckpointProtocol.Best { Step: var best }:
                if (!_setup.KeepsBest) break;
                _best = best;
                // Its checkpoint may have been due anyway, and been written while it was validated.
                if (_written == best) _kept = best;
                break;
            case CheckpointProtocol.RollBack back:
                RollBack(back);
                break;
            case Discarded discarded:
                (_rolling, _written) = (null, discarded.Answer.Newest?.Step);
                discarded.Asker.Tell(discarded.Answer);
                break;
            case RollBackFailed failed:
                Context.Parent.Tell(new RunProtocol.Fatal(new RunFailure($"the checkpoints after step {failed.To}, which is rolled back to, could not be deleted: {failed.Error}", "",
                    "checkpoints/", "make the run directory writable, then resume the run")));
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
            case Written { Step: var step } when step > _rolling:
            case WriteFailed { Step: var unwritten } when unwritten > _rolling:
                _writing = null;
                break;
            case Written written:
                Has(written);
                break;
            case WriteFailed failed:
                _writing = null;
                // One that was given up has been reported; the storage answers now.
                if (_due?.Step != failed.Step)
                {
                    Timers.StartSingleTimer("storage", new TryStorage(), _setup.TryStorage);
                    break;
                }
                _due = null;
                Abandon(failed.Step, failed.Error, lost: false);
                break;
            case CheckpointProtocol.Close:
                _closer = Sender;
                if (_mirror is null) Close();
                else _mirror.Tell(message);
                break;
            case CheckpointProtocol.Closed:
                Close();
                break;
            case LetGo:
                _closer?.Tell(CheckpointProtocol.Closed.Instance);
                _closer = null;
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

    // One that was given up may come late: the storage has taken it after all.
    private void Has(Written written)
    {
        _writing = null;
        var isLate = _due?.Step != written.Step;
        if (!isLate) _due = null;
        _written = written.Step;
        var seconds = Stopwatch.GetElapsedTime(_begun).TotalSeconds;
        _events.Publish(new RunEvent.CheckpointWritten(written.Step, written.Path, seconds) { StallSeconds = isLate ? null : _stall });
        _events.Publish(written.PruneError is { } error
            ? new RunEvent.CheckpointFailed(written.Step, $"it was written, but older ones could not be deleted: {error}")
            : new RunEvent.CheckpointsPruned(_setup.Keep));
        (_storage, var cleared) = _storage.Write(written.Step);
        Timers.Cancel("storage");
        if (cleared is not null) _events.Publish(new RunEvent.StorageRecovered(_setup.Writer.Place, cleared));
        _mirror?.Tell(new MirrorKeeper.Written(written.Step, Besides));
        _asker.Tell(new CheckpointProtocol.Settled(written.Step, written.Path, null, false));
    }

    private void GiveUp(StepNumber step)
    {
        var why = $"it was not written within {NumberText.Duration(_setup.Deadline.TotalSeconds)} (checkpoint.deadline): the storage is slow, or does not answer";
        if (_due?.Step == step)
        {
            _due = null;
            Abandon(step, why, lost: false);
        }
        else Take(_catalog.Overdue(step, why));
    }

    // A storage that is stuck does not answer, and is not tried a second time meanwhile.
    private void Try()
    {
        if (_isTrying || _isClosing || _writing is not null) return;
        _isTrying = true;
        var (self, bytes) = (Self, _bytes);
        _thread.Post(() =>
        {
            try
            {
                _setup.Writer.Probe(bytes);
                self.Tell(new Tried(true));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                self.Tell(new Tried(false));
            }
        });
    }

    private void Close()
    {
        _isClosing = true;
        Relieve(null);
        if (_setup.IsEvaluated) Prune();
        Sweep();
        _thread.Dispose();
        // The end of a thread that is stuck is not awaited: it ends with the process.
        Timers.StartSingleTimer("let go", new LetGo(), _writing is not null || _isTrying ? StuckPatience : _setup.Deadline);
        _ = _thread.Completion.PipeTo(Self, Self, () => new LetGo());
    }

    private void Write(CatalogDecision.ManifestDue due)
    {
        if (_writing is { } stuck)
        {
            _due = null;
            Abandon(due.Step, $"the manifest of step {stuck} is still being written", lost: false);
            return;
        }
        _writing = due.Step;
        _bytes = due.Shards.Sum(shard => shard.Bytes);
        var self = Self;
        if (due.Step == _best) _kept = _best;
        var besides = Besides;
        if (_setup.IsEvaluated) _unjudged.Add(due.Step);
        _thread.Post(() =>
        {
            string path;
            try
            {
                var manifest = new Manifest(due.Step, _setup.VirtualShards, _setup.RecipeHash, due.Shards, _setup.Facts, _setup.Recipe);
                path = _setup.Writer.Write(manifest);
                if (_setup.Writer.Verify(manifest) is { Count: > 0 } faults)
                {
                    _setup.Writer.Discard(due.Step);
                    throw new IOException($"it was written and is not what was written: {string.Join("; ", faults)}");
                }
            }
            catch (Exception fault)
            {
                self.Tell(new WriteFailed(due.Step, FaultText.Of(fault)));
                return;
            }
            self.Tell(new Written(due.Step, path, FaultText.Try(() => _setup.Writer.Prune(_setup.Keep, besides))));
        });
    }

    // What is written of a later step is not awaited: the thread comes to the deletion after it, and its report finds nothing due.
    private void RollBack(CheckpointProtocol.RollBack back)
    {
        (_due, _rolling) = (null, back.To);
        _catalog = new CheckpointCatalog();
        Timers.Cancel("deadline");
        (_best, _resort) = (back.Best, null);
        if (_kept > back.To) _kept = back.Best;
        _mirror?.Tell(back);
        var (self, asker) = (Self, Sender);
        _thread.Post(() =>
        {
            try
            {
                self.Tell(new Discarded(asker, new CheckpointProtocol.RolledBack(_setup.Writer.DiscardAfter(back.To))));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                self.Tell(new RollBackFailed(back.To, FaultText.Of(fault)));
            }
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
        Tidy(() => _setup.Writer.Prune(_setup.Keep, besides));
    }

    // Deletes the shards of abandoned checkpoints; no rank has started yet, or all have ended.
    private void Sweep() => Tidy(_setup.Writer.Sweep);

    private void Tidy(Action delete) => _thread.Post(() =>
    {
        try
        {
            delete();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It takes up space, and the next one tries again.
        }
    });

    private void Abandon(StepNumber step, string error, bool lost)
    {
        Timers.Cancel("deadline");
        _events.Publish(new RunEvent.CheckpointFailed(step, error) { StallSeconds = _stall });
        if (!lost)
        {
            (_storage, var raises, var tryIn) = _storage.Fail();
            if (raises)
                _events.Publish(new RunEvent.StorageFailing(_setup.Writer.Place,
                    $"checkpoints cannot be written: {error}. While the run trains it goes on from memory, and the next is tried when it is due or the storage takes files again; fix: make room, mount it again or make it writable"));
            Timers.StartSingleTimer("storage", new TryStorage(), tryIn);
        }
        _asker.Tell(new CheckpointProtocol.Settled(step, null, error, lost));
    }
}

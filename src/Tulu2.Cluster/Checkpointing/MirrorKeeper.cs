using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Files;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>
/// Copies checkpoints to the second place (<c>checkpoint.mirror</c>), on a thread of its own: a place that is slow, full or does not answer holds up nothing but this
/// thread, and at the end of the run the run for <see cref="MirrorSetup.Patience"/> at most.
/// </summary>
internal sealed class MirrorKeeper : UntypedActor, IWithTimers
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    private readonly MirrorSetup _setup;
    private readonly RunEventPublisher _events;
    private readonly DedicatedThread _thread;
    private MirrorState _state = new();
    private IReadOnlyCollection<int> _besides = [];
    private IActorRef? _closer;

    // Of the copy under way; read by this actor, written by the thread.
    private long _done, _total;

    public MirrorKeeper(MirrorSetup setup, RunEventPublisher events, IActorRef run) =>
        (_setup, _events, _thread) = (setup, events, new DedicatedThread("mirror", RunProtocol.EndRun(run)));

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>A checkpoint exists. Those of the steps <paramref name="Besides"/> are kept beside the newest, here as there.</summary>
    public sealed record Written(StepNumber Step, IReadOnlyCollection<int> Besides) : INoSerializationVerificationNeeded;

    /// <summary>To the coordinator: this checkpoint is being copied, and is not to be deleted meanwhile; null: none is.</summary>
    public sealed record Copying(StepNumber? Step) : INoSerializationVerificationNeeded;

    private sealed record Copied(StepNumber Step, long Bytes, double Seconds, string? PruneError) : INoSerializationVerificationNeeded;

    private sealed record CopyFailed(StepNumber Step, string Why) : INoSerializationVerificationNeeded;

    private sealed record Retry : INoSerializationVerificationNeeded;

    private sealed record ShowProgress : INoSerializationVerificationNeeded;

    private sealed record GiveUp : INoSerializationVerificationNeeded;

    protected override void PostStop() => _thread.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Written written:
                _besides = written.Besides;
                Take(new MirrorCommand.Written(written.Step));
                break;
            case CheckpointProtocol.RollBack { To: var to }:
                Discard(to);
                break;
            case Copied copied:
                _events.Publish(new RunEvent.CheckpointMirrored(copied.Step, _setup.Mirror.Directory, copied.Bytes, copied.Seconds));
                if (copied.PruneError is { } error) _events.Publish(new RunEvent.Warned($"older checkpoints in {_setup.Mirror.Directory} could not be deleted: {error}"));
                Take(new MirrorCommand.Done(copied.Step));
                break;
            case CopyFailed failed:
                Take(new MirrorCommand.Failed(failed.Step, failed.Why));
                break;
            case Retry:
                Take(new MirrorCommand.Retry());
                break;
            case CheckpointProtocol.Close:
                _closer = Sender;
                Take(new MirrorCommand.Close());
                if (_closer is null) break;
                Timers.StartSingleTimer("give up", new GiveUp(), _setup.Patience);
                Timers.StartPeriodicTimer("progress", new ShowProgress(), TimeSpan.Zero, ProgressInterval);
                break;
            case ShowProgress when _state.Copying is { } step:
                _events.Publish(new RunEvent.MirrorAwaited(step, Interlocked.Read(ref _done), Interlocked.Read(ref _total)));
                break;
            case GiveUp when _closer is not null:
                _events.Publish(new RunEvent.StorageFailing(_setup.Mirror.Directory,
                    $"has no copy of the checkpoint of step {_state.Copying} after {NumberText.Duration(_setup.Patience.TotalSeconds)} (checkpoint.mirror_wait): a --resume of the run copies it"));
                Close();
                break;
        }
    }

    private void Take(MirrorCommand command)
    {
        var before = _state.Copying;
        (_state, var effects) = _state.Decide(command);
        if (_state.Copying != before) Context.Parent.Tell(new Copying(_state.Copying));
        foreach (var effect in effects)
            switch (effect)
            {
                case MirrorEffect.Copy copy:
                    Copy(copy.Step);
                    break;
                case MirrorEffect.RetryIn retry:
                    Timers.StartSingleTimer("retry", new Retry(), retry.Time);
                    break;
                case MirrorEffect.Raise raised:
                    _events.Publish(new RunEvent.StorageFailing(_setup.Mirror.Directory,
                        $"{raised.Text}. Training goes on, and it is tried again; fix: make room there, mount it again or make it writable"));
                    break;
                case MirrorEffect.Clear cleared:
                    _events.Publish(new RunEvent.StorageRecovered(_setup.Mirror.Directory, cleared.Text));
                    break;
            }
        if (_state.IsSettled && _closer is not null) Close();
    }

    private void Close()
    {
        Timers.CancelAll();
        // A copy that is given up may be stuck: its thread ends with the process.
        _closer.Tell(CheckpointProtocol.Closed.Instance);
        _closer = null;
    }

    // After a copy that is under way. What stays for want of an answer is overwritten when its step is made again.
    private void Discard(StepNumber to) => _thread.Post(() =>
    {
        if (FaultText.Try(() => _setup.Mirror.DiscardAfter(to)) is { } error)
            _events.Publish(new RunEvent.Warned($"copies of steps after {to}, which were rolled back, could not be deleted in {_setup.Mirror.Directory}: {error}"));
    });

    private void Copy(StepNumber step)
    {
        // Itself among those that are kept: the place may have later ones, of steps that are made again.
        var (self, besides, begun) = (Self, _besides.Append(step.Value).ToImmutableHashSet(), Stopwatch.GetTimestamp());
        Interlocked.Exchange(ref _done, 0);
        Interlocked.Exchange(ref _total, 0);
        _thread.Post(() =>
        {
            long bytes;
            try
            {
                bytes = _setup.Mirror.Copy(step, (done, total) =>
                {
                    Interlocked.Exchange(ref _total, total);
                    Interlocked.Exchange(ref _done, done);
                });
            }
            catch (Exception fault)
            {
                self.Tell(new CopyFailed(step, FaultText.Of(fault)));
                return;
            }
            var error = FaultText.Try(() => _setup.Mirror.Prune(_setup.Keep, besides));
            self.Tell(new Copied(step, bytes, Stopwatch.GetElapsedTime(begun).TotalSeconds, error));
        });
    }
}

/// <param name="Keep">Newest checkpoints kept there.</param>
/// <param name="Patience">Time that the end of a run waits for the last copy.</param>
internal sealed record MirrorSetup(ICheckpointMirror Mirror, int Keep, TimeSpan Patience);

using System.Runtime.ExceptionServices;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.State;
using Tulu2.Training.Steps;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.Standby;

/// <summary>
/// This rank's part in the standby copies (docs/protocol.md): it sends its reduced gradient to the rank that keeps its copy, and keeps the copy of another rank, to which
/// it applies that rank's gradients on a second thread. Used on the rank's thread.
/// </summary>
internal sealed class StandbyKeeper(WorkerSettings settings, BackgroundThread thread) : IDisposable
{
    private readonly UpdateRule _rule = new(settings.Recipe, settings.Plan.TotalSteps, segments: settings.Schedules);
    private KeptState? _kept;
    private Rank? _keeper;

    /// <summary>The copy that this rank keeps, once all updates are done; null: none.</summary>
    public StandbyCopy? Copy
    {
        get
        {
            Settle();
            return _kept is { Step: not ReplicaState.NoStep } kept ? new StandbyCopy(kept.Of, new StepNumber(kept.Step)) : null;
        }
    }

    /// <summary>Sends the copy to its rank, where that is to be restored from it.</summary>
    /// <param name="step">The step that the rank is restored to.</param>
    public void Give(RankGroups groups, StateTransfer transfer, StepNumber step)
    {
        if (transfer is not StateTransfer.FromPeer peer || Copy is not { Of: var of } copy) return;
        if (!peer.Copies.Any(given => given.Root == groups.Rank && given.Receivers.Contains(of))) return;
        if (copy.Step != step) throw new InvalidOperationException($"rank {groups.Rank}: told to restore rank {of} to step {step} from its copy of step {copy.Step}");
        foreach (var buffer in _kept!.State(groups.PlaceOf(of))) LongMessages.Exchange(groups.World, buffer, null, settings.CollectiveDeadline);
    }

    /// <summary>Follows an order: copies that are to be renewed are sent, and other ones are as they should be. Every rank calls this.</summary>
    /// <param name="own">This rank's state, after the transfer.</param>
    public void Follow(RankGroups groups, StandbyOrder order, ReplicaState own)
    {
        Settle();
        var of = Enumerable.Range(0, order.Keepers.Count).Where(rank => order.Keepers[rank] == groups.Rank).Select(rank => (Rank?)new Rank(rank)).SingleOrDefault();
        _keeper = of is null ? null : order.Keepers[groups.Rank];
        if (_kept is not null && _kept.Of != of)
        {
            _kept.Dispose();
            _kept = null;
        }
        if (_keeper is not { } keeper || of is not { } ward) return;
        var (sends, receives) = (order.Renewed.Contains(groups.Rank), order.Renewed.Contains(ward));
        if (receives)
        {
            _kept ??= new KeptState(settings, ward);
            _kept.Step = ReplicaState.NoStep;
        }
        else if (_kept?.Step != own.Step)
        {
            throw new InvalidOperationException($"rank {groups.Rank}: told that it has the copy of rank {ward} at step {own.Step}, it has {(_kept is null ? "none" : $"step {_kept.Step}")}");
        }
        var buffers = own.Buffers();
        for (var index = 0; index < buffers.Count; index++)
        {
            MessageEnd sent = new(groups.PlaceOf(keeper), FlatMemory.Address(buffers[index].Buffer), own.Range.Count * sizeof(float));
            LongMessages.Exchange(groups.World, sends ? sent : null, receives ? _kept.State(groups.PlaceOf(ward))[index] : null, settings.CollectiveDeadline);
        }
        _kept.Step = own.Step;
    }

    /// <summary>Sends the reduced gradient to the keeper, and receives that of the rank whose copy is kept. Every rank calls this, before it is ready to commit.</summary>
    /// <param name="total">[elements of this rank's range] fp32.</param>
    public void Exchange(RankGroups groups, Tensor total)
    {
        if (_keeper is not { } keeper || _kept is not { } kept) return;
        Settle();
        LongMessages.Exchange(groups.World, new MessageEnd(groups.PlaceOf(keeper), FlatMemory.Address(total), total.numel() * sizeof(float)),
            kept.Gradient(groups.PlaceOf(kept.Of)), settings.CollectiveDeadline);
    }

    /// <summary>Applies the gradient of the last <see cref="Exchange"/> to the copy, on the second thread.</summary>
    /// <param name="norm">L2 norm of the whole model's gradient.</param>
    public void Apply(double norm)
    {
        Settle();
        if (_kept is not { Step: not ReplicaState.NoStep } kept) return;
        thread.Start(() => kept.Apply(_rule, norm));
    }

    /// <summary>The copy comes to the next step without an update.</summary>
    public void PassOver()
    {
        Settle();
        if (_kept is { Step: not ReplicaState.NoStep } kept) kept.Step++;
    }

    public void Dispose()
    {
        thread.Dispose();
        _kept?.Dispose();
        _kept = null;
        _rule.Dispose();
    }

    private void Settle()
    {
        if (thread.Join() is { } fault) ExceptionDispatchInfo.Throw(fault);
    }
}

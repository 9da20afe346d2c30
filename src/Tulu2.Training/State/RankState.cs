using Tulu2.Checkpoints;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// A rank's parameters and optimizer state, allocated on first use, and the transfers that bring it to the step that the supervisor requests.
/// </summary>
internal sealed class RankState(WorkerSettings settings, RankPart part) : IDisposable
{
    private readonly CheckpointStore _store = settings.OpenCheckpoints();
    private readonly UpdateRule _rule = new(settings.Recipe, settings.Plan.TotalSteps, settings.HostThreads(), settings.Schedules);
    private readonly UntrainedRows _untrained = new(part.Trained, part.Range);
    private FrozenModel? _frozen;
    private ReplicaState? _state;
    private bool _initial;             // the recipe's initial weights, untouched

    /// <summary>Steps applied; <see cref="ReplicaState.NoStep"/> where there is no valid state.</summary>
    public StepNumber Step => new(_state?.Step ?? ReplicaState.NoStep);

    public ReplicaState Replica => _state ?? throw new InvalidOperationException("no state yet");

    /// <summary>Carries out the transfer that the supervisor has decided on. Every rank calls this.</summary>
    /// <param name="step">Number of applied steps after a transfer from a peer.</param>
    /// <param name="forget">Discards what was computed from the current state; called before the state is replaced.</param>
    public void Transfer(StateTransfer transfer, StepNumber step, RankGroups groups, Action forget)
    {
        switch (transfer)
        {
            case StateTransfer.FromRecipe:
                Forget();
                EnsureInitialWeights();
                _state!.Step = 0;
                break;
            case StateTransfer.FromManifest manifest:
                Forget();
                StateTransfers.Load(_store, manifest.Path, Renew());
                break;
            case StateTransfer.FromPeer peer:
                var receives = peer.Copies.Any(copy => copy.Receivers.Contains(groups.Rank));
                if (receives)
                {
                    Forget();
                    Renew();
                }
                StateTransfers.Copy(groups, peer.Copies, Replica, settings.CollectiveDeadline);
                if (receives) _state!.Step = step;
                break;
        }
        // Needed without a transfer too: if the last generation ended during a gather, the compute weights are a mix of two steps.
        RefreshWeights(groups);

        void Forget()
        {
            forget();
            if (_state is not null) _state.Step = ReplicaState.NoStep;
        }
    }

    /// <summary>Updates the compute weights from the master weights of all ranks. Every rank calls this.</summary>
    public void RefreshWeights(RankGroups groups) => StateTransfers.RefreshWeights(groups, part.Ranges, Replica, settings.CollectiveDeadline);

    /// <summary>Loads the recipe's initial weights unless they are loaded already; needs no other rank.</summary>
    /// <exception cref="InvalidOperationException">The rank holds a later step.</exception>
    public void EnsureInitialWeights()
    {
        if (_initial && Step <= 0) return;
        if (Step > 0) throw new InvalidOperationException($"asked for the initial weights at step {Step}");
        Renew().Initialize(settings.Recipe);
        _initial = true;
    }

    public double LearningRate(StepNumber step) => _rule.LearningRate(step);

    /// <summary>Updates parameters and moments to the next step. The caller refreshes the compute weights afterwards.</summary>
    /// <param name="gradient">[Range.Count] fp32, of the range that this rank updates; overwritten.</param>
    /// <param name="norm">L2 norm of the whole model's gradient.</param>
    public void Apply(Tensor gradient, double norm)
    {
        var state = Replica;
        var step = state.Step + 1;
        _untrained.Keep(state.Master, () => _rule.Apply(state.Master, gradient, state.FirstMoment, state.SecondMoment, step, norm));
        state.Step = step;
        _initial = false;
    }

    /// <summary>The next step without its update: parameters and moments keep their bits.</summary>
    public void PassOver()
    {
        Replica.Step++;
        _initial = false;
    }

    public void Dispose()
    {
        _state?.Dispose();
        _state = null;
        _frozen?.Dispose();
        _frozen = null;
        _rule.Dispose();
    }

    /// <summary>Makes the rank's GPU the thread's current one.</summary>
    public void ChooseDevice() => settings.ComputeDevice();

    // The buffers; the caller replaces their content.
    private ReplicaState Renew()
    {
        _initial = false;
        if (_state is not null) return _state;
        var device = settings.ComputeDevice();
        if (part.Parameters.Adapter is not null) _frozen ??= FrozenModel.Load(part.Parameters, settings.Recipe, device);
        _state = new ReplicaState(part.Parameters, settings.Recipe.Precision, part.Range, device, _frozen);
        settings.StateMade?.Invoke(part.Rank, _state.Blocks());
        return _state;
    }
}

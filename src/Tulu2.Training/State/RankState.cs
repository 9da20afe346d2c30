using Tulu2.Checkpoints;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>A rank's state, from its first use on, and how it comes to the step that the supervisor names.</summary>
internal sealed class RankState(WorkerSettings settings, RankPart part) : IDisposable
{
    private readonly CheckpointStore _store = new(settings.CheckpointDirectory);
    private readonly UpdateRule _rule = new(settings.Recipe, settings.Plan.TotalSteps, settings.HostThreads(), settings.Schedules);
    private readonly UntrainedRows _untrained = new(part.Trained, part.Range);
    private ReplicaState? _state;
    private bool _initial;             // the recipe's initial weights, untouched

    /// <summary>Steps applied; <see cref="ReplicaState.NoStep"/> where there is no state that counts.</summary>
    public StepNumber Step => new(_state?.Step ?? ReplicaState.NoStep);

    public ReplicaState Replica => _state ?? throw new InvalidOperationException("no state yet");

    /// <summary>Does what the supervisor has decided for all ranks, each of which calls this.</summary>
    /// <param name="forget">Whatever was computed with the state that is given up.</param>
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
                if (peer.Copies.Any(copy => copy.Receivers.Contains(groups.Rank)))
                {
                    Forget();
                    Renew();
                }
                StateTransfers.Copy(groups, peer.Copies, Replica, settings.CollectiveDeadline);
                _state!.Step = step;
                break;
        }
        // Without a transfer too: a gather that the last generation's end has cut off left weights of two steps.
        RefreshWeights(groups);

        void Forget()
        {
            forget();
            if (_state is not null) _state.Step = ReplicaState.NoStep;
        }
    }

    /// <summary>Every rank calls this.</summary>
    public void RefreshWeights(RankGroups groups) => StateTransfers.RefreshWeights(groups, part.Ranges, Replica, settings.CollectiveDeadline);

    /// <summary>The recipe's initial weights, for a rank that holds no later ones. No other rank is needed.</summary>
    public void EnsureInitialWeights()
    {
        if (_initial && Step <= 0) return;
        if (Step > 0) throw new InvalidOperationException($"asked for the initial weights at step {Step}");
        Renew().Initialize(settings.Recipe);
        _initial = true;
    }

    public double LearningRate(StepNumber step) => _rule.LearningRate(step);

    /// <summary>Makes the next step's parameters and moments; the compute weights are still to be refreshed.</summary>
    /// <param name="gradient">Of the range that this rank updates; used up.</param>
    /// <param name="norm">Of the whole gradient.</param>
    public void Apply(Tensor gradient, double norm)
    {
        var state = Replica;
        var step = state.Step + 1;
        _untrained.Keep(state.Master, () => _rule.Apply(state.Master, gradient, state.FirstMoment, state.SecondMoment, step, norm));
        state.Step = step;
        _initial = false;
    }

    public void Dispose()
    {
        _state?.Dispose();
        _state = null;
        _rule.Dispose();
    }

    /// <summary>Makes the rank's GPU the thread's current one.</summary>
    public void ChooseDevice() => settings.ComputeDevice();

    // The buffers, with content that is about to be replaced.
    private ReplicaState Renew()
    {
        _initial = false;
        return _state ??= new ReplicaState(part.Parameters, settings.Recipe.Precision, part.Range, settings.ComputeDevice());
    }
}

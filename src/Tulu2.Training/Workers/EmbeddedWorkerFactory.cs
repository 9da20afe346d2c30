using Tulu2.Models.Llama;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;

namespace Tulu2.Training.Workers;

/// <summary>Workers as threads of this process.</summary>
public sealed class EmbeddedWorkerFactory : IWorkerFactory
{
    private readonly WorkerSettings _settings;
    private readonly Func<ReplicaState, ISlotComputer> _computerOf;

    /// <exception cref="Files.BadInputException">A recipe whose objective cannot be computed as asked.</exception>
    public EmbeddedWorkerFactory(WorkerSettings settings) : this(settings, ComputerOf(settings))
    {
    }

    internal EmbeddedWorkerFactory(WorkerSettings settings, Func<ReplicaState, ISlotComputer> computerOf)
    {
        _settings = settings;
        _computerOf = computerOf;
    }

    public IWorker Start(int rank, Action<WorkerReport> report) => new ThreadWorker(_settings, rank, report, _computerOf);

    internal static Func<ReplicaState, ISlotComputer> ComputerOf(WorkerSettings settings)
    {
        var recipe = settings.Recipe;
        if (recipe.Objective == Objective.Dpo)
        {
            var preference = new DpoObjective(recipe.Dpo);
            var references = settings.References ?? throw new ArgumentException("settings: a DPO run needs reference log-probabilities", nameof(settings));
            return state => new DpoSlots(Model(state), preference, references, settings.Plan);
        }
        var objective = new SftObjective(RecipeProfiles.Reduction(recipe.Profile), settings.Plan, recipe.Batch.Slot);
        return state => new SftSlots(Model(state), objective);

        LlamaModel Model(ReplicaState state) => new(settings.Layout, state.Weights, recipe.Model.Recompute);
    }
}

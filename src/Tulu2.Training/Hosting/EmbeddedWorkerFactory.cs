using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>Workers as threads of this process.</summary>
public sealed class EmbeddedWorkerFactory : IWorkerFactory
{
    private readonly WorkerSettings _settings;
    private readonly SlotComputerOf _computerOf;

    /// <exception cref="Files.BadInputException">A recipe whose objective cannot be computed as asked.</exception>
    public EmbeddedWorkerFactory(WorkerSettings settings) : this(settings, ComputerOf(settings))
    {
    }

    internal EmbeddedWorkerFactory(WorkerSettings settings, SlotComputerOf computerOf)
    {
        _settings = settings;
        _computerOf = computerOf;
    }

    public IWorker Start(int rank, Action<WorkerReport> report) => new ThreadWorker(_settings, rank, report, _computerOf);

    internal static SlotComputerOf ComputerOf(WorkerSettings settings)
    {
        var objective = ObjectiveOf(settings);
        return (state, group) => new ModelSlots(
            new DecoderModel(state.Parameters, state.Weights, settings.Recipe.Model.Recompute, group, settings.Recipe.Parallel.SplitActivations), state.Weights, objective, state.IsStaged);
    }

    private static ISlotObjective ObjectiveOf(WorkerSettings settings)
    {
        var recipe = settings.Recipe;
        if (recipe.Objective == Objective.Sft) return new SftSlots(new SftObjective(RecipeProfiles.Reduction(recipe.Profile), settings.Plan, recipe.Batch.Slot));
        var references = settings.References ?? throw new ArgumentException("settings: a DPO run needs reference log-probabilities", nameof(settings));
        return new DpoSlots(new DpoObjective(recipe.Dpo), references, settings.Plan);
    }
}

using Tulu2.Models.Decoder;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>Workers as threads of this process.</summary>
public sealed class EmbeddedWorkerFactory : IWorkerFactory
{
    private readonly WorkerSettings _settings;
    private readonly SlotComputerOf _computerOf;

    /// <exception cref="Files.BadInputException">The objective does not support the recipe's settings.</exception>
    public EmbeddedWorkerFactory(WorkerSettings settings) : this(settings, ComputerOf(settings))
    {
    }

    internal EmbeddedWorkerFactory(WorkerSettings settings, SlotComputerOf computerOf)
    {
        _settings = settings;
        _computerOf = computerOf;
    }

    public IWorker Start(Rank rank, Action<WorkerReport> report) => new ThreadWorker(_settings, rank, report, _computerOf);

    internal static SlotComputerOf ComputerOf(WorkerSettings settings)
    {
        var objective = SlotObjective.Of(settings.Recipe, settings.Plan, settings.References, settings.Sources);
        return (state, group) => new ModelSlots(
            new DecoderModel(state.Parameters, state.Weights, settings.Recipe.Model.Recompute, group, settings.Recipe.Parallel.SplitActivations), state.Weights.Read, objective, state.WeightsOnDevice);
    }
}

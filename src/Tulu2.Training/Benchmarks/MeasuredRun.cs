using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Protocol.Driving;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Benchmarks;

/// <summary>The run that benchmarks measure: a model with random weights, sequences of one length, every token scored.</summary>
/// <param name="Slots">Slots per step.</param>
/// <param name="Sequences">Sequences per slot; for DPO each two are a pair.</param>
/// <param name="Length">Tokens of each sequence.</param>
public sealed record MeasuredRun(
    ModelConfig Config, int VirtualShards, Objective Objective, Precision Precision, bool Recompute, int Slots, int Sequences, int Length)
{
    /// <summary>Adapters, beside which the model is frozen; null: all of it is trained.</summary>
    public LoraRecipe? Lora { get; init; }

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private ObjectiveDescriptor Descriptor => ObjectiveCatalog.Of(Objective);

    private int Items => Sequences / Descriptor.SequencesPerItem;

    internal Recipe Recipe(ParallelLayout layout, bool overlap = true) => new()
    {
        Objective = Objective,
        Precision = Precision,
        Model = new ModelRecipe { Preset = "measured", Recompute = Recompute },
        Data = new DataRecipe { MaxLength = Length },
        Batch = new BatchRecipe { Global = Slots * Items, Slot = Items },
        Steps = int.MaxValue,
        Lora = Lora,
        Parallel = new ParallelRecipe
        {
            Data = layout.Data,
            Tensor = layout.Tensor,
            Pipeline = layout.Pipeline,
            Zero = layout.Zero,
            VirtualShards = VirtualShards,
            Overlap = overlap,
        },
    };

    /// <param name="steps">Length of the run, which is not reached.</param>
    internal WorkerSettings Settings(ParallelLayout layout, ICollectiveFactory dataPlane, int steps = int.MaxValue, bool overlap = false)
    {
        var references = new ReferenceLogProbabilities(new float[2 * Items]);
        var recipe = Recipe(layout, overlap);
        return new WorkerSettings
        {
            Recipe = recipe,
            Parameters = RunParameters.Of(recipe, Config, VirtualShards),
            Parallel = layout,
            Plan = new FixedBatchPlan(Sequences, Length, Config.VocabularySize, Descriptor, Slots) { TotalSteps = steps },
            DataPlane = dataPlane,
            CheckpointDirectory = Path.Combine(Path.GetTempPath(), "no-checkpoint-is-written"),
            References = () => references,
        };
    }

    /// <summary>Drives the ranks of a run without actors, with batches fed one step ahead; throws the first failure.</summary>
    internal static DriverLoop Drive(WorkerSettings settings, IWorkerFactory workers, Action<StepCommit>? committed = null)
    {
        var plan = settings.Plan;
        return new DriverLoop(new DriverPlan(new SyncRules(settings.Parallel, plan.SlotsPerStep, new StepNumber(plan.TotalSteps), CheckpointEvery: 0), plan)
        {
            Credits = 2 * plan.SlotsPerStep,
            Decided = effect =>
            {
                if (effect is SyncEffect.Committed commit) committed?.Invoke(commit.Step);
            },
        }, workers, Patience);
    }
}

using Tulu2.Cluster.Ranks;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Preparation;

/// <summary>Validations of a run: the slots of its validation set, when they are scored, and what is measured.</summary>
/// <param name="reference">The reference log-probabilities of the set's pairs; null: the objective needs none.</param>
internal sealed class ValidationPlan(Recipe recipe, OnePassPlan plan, ValidationSet set, ReferencePlan? reference) : IValidationPlan, IDisposable
{
    private readonly ValidationMeasure _measure = new(recipe, plan, reference is { } pass ? () => pass.Values : null);

    /// <summary>The pass that the reference log-probabilities come from; null: the objective needs none.</summary>
    public ReferencePlan? Reference => reference;

    /// <summary>Rows (or pairs).</summary>
    public int Items => plan.Items;

    public int Chunks => plan.SlotsPerStep;

    public ValidationRules Rules { get; } = new(
        recipe.Validation.Metric, recipe.Validation.Every, recipe.Validation.Patience, recipe.Validation.KeepBest,
        ValidationMetrics.Of(recipe.Objective)[recipe.Validation.Metric]);

    public SlotBatch Read(int chunk) => plan.Read(1, chunk);

    public NamedValues Measure(StepNumber step, IReadOnlyList<float[]> logProbabilities) => _measure.Measure(logProbabilities);

    /// <inheritdoc cref="ValidationSet.LeftOut"/>
    public IEnumerable<string> LeftOut() => set.LeftOut();

    public void Dispose() => set.Dispose();
}

using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>
/// Everything the program knows about one value of <c>objective:</c>. Reading a recipe, the data, the reference pass, slots, planning, metrics and report go by
/// it; <see cref="ObjectiveCatalog"/> finds it.
/// </summary>
public abstract class ObjectiveDescriptor
{
    public abstract Objective Value { get; }

    /// <summary>As recipes spell it.</summary>
    public string Name => RecipeValue.Name(Value);

    /// <summary>The rows it trains on.</summary>
    public abstract RowKind Rows { get; }

    /// <summary>An item of a batch is a pair of sequences, 2k chosen and 2k + 1 rejected; otherwise one sequence.</summary>
    public bool TakesPairs => Rows == RowKind.Preferences;

    /// <summary>
    /// Each step needs the mean over all its rows of a value of mismatched sequences (<see cref="MismatchedTokens"/>), which are only scored, before the gradient of its first
    /// slot can be computed (<see cref="SlotBatch.Divergence"/>).
    /// </summary>
    public bool HasMismatched => Rows == RowKind.Unpaired;

    /// <summary>Sequences of each item of a slot, those that have a gradient.</summary>
    public int SequencesPerItem => TakesPairs ? 2 : 1;

    /// <summary>Sequences of each item that the reference pass and validations score: mismatched ones too.</summary>
    public int ScoredPerItem => TakesPairs || HasMismatched ? 2 : 1;

    /// <summary>An item for people, in the singular.</summary>
    public string ItemName => TakesPairs ? "pair" : "row";

    /// <summary>Passes over the data where the recipe names neither epochs nor steps.</summary>
    public abstract double DefaultEpochs { get; }

    /// <summary>The recipe's section with this objective's keys, which are refused under other objectives; null: it has none.</summary>
    public virtual string? Section => null;

    /// <summary>The values it gives for each step beside the loss, in the order of <c>metrics.jsonl</c>.</summary>
    public virtual IReadOnlyList<MetricDescriptor> Metrics => [];

    /// <summary>The loss is linear in the log-probabilities: its coefficients are known without them, which saves the head's forward pass.</summary>
    public abstract bool IsLinear { get; }

    /// <summary>
    /// Its figures depend on the summed log-probability of each sequence and its number of tokens alone, so that a validation, which has no more, can measure it.
    /// </summary>
    public virtual bool IsOfSequences => IsLinear || TakesPairs || HasMismatched;

    /// <summary>The reference model's log-probabilities of the run's rows are computed before its first step.</summary>
    public virtual bool NeedsReference(Recipe recipe) => false;

    /// <summary>Checks the keys of <see cref="Section"/> by themselves; called for recipes of every objective.</summary>
    /// <exception cref="BadInputException">A value out of range.</exception>
    internal virtual void Check(Recipe recipe, RecipeFault fault)
    {
    }

    /// <summary>Checks what depends on the profile as well, before any data is opened.</summary>
    /// <exception cref="BadInputException">Slots that the profile's loss reduction cannot be built from.</exception>
    public virtual void CheckProfile(Recipe recipe)
    {
    }

    /// <param name="recipe">The effective recipe.</param>
    /// <param name="plan">Gives the counts of the run's steps and slots.</param>
    /// <exception cref="BadInputException">Settings that the objective cannot be computed with.</exception>
    internal abstract IObjective Create(Recipe recipe, IBatchPlan plan);
}

using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary><c>objective: sft</c>, supervised fine-tuning: the assistant's turns of instruction rows are learnt. Epochs: docs/reference/tulu2.md, SFT.</summary>
internal sealed class SftDescriptor : ObjectiveDescriptor
{
    public override Objective Value => Objective.Sft;

    public override RowKind Rows => RowKind.Messages;

    public override double DefaultEpochs => 2;

    public override bool IsLinear => true;

    public override void CheckProfile(Recipe recipe)
    {
        if (LossReductions.Of(recipe.Profile) == LossReduction.GroupMean) SftObjective.SlotsPerGroup(recipe.Batch.Global, recipe.Batch.Slot);
    }

    internal override IObjective Create(Recipe recipe, IBatchPlan plan) => new SftObjective(LossReductions.Of(recipe.Profile), plan, recipe.Batch.Slot);
}

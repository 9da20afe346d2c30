using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary><c>objective: dpo</c>: the chosen of two answers is preferred, by the loss that <c>dpo.loss</c> names. Epochs: docs/reference/tulu2.md, DPO.</summary>
internal sealed class DpoDescriptor : ObjectiveDescriptor
{
    private static readonly Recipe Defaults = new();

    public override Objective Value => Objective.Dpo;

    public override RowKind Rows => RowKind.Preferences;

    public override double DefaultEpochs => 3;

    public override string Section => "dpo";

    public override IReadOnlyList<MetricDescriptor> Metrics => PreferenceMetrics.All;

    public override bool IsLinear => false;

    public override bool NeedsReference(Recipe recipe) => PreferenceLosses.Of(recipe.Dpo.Loss).NeedsReference;

    internal override void Check(Recipe recipe, RecipeFault fault)
    {
        var dpo = recipe.Dpo;
        fault.Above("dpo.beta", dpo.Beta, 0);
        if (dpo.LabelSmoothing is not (>= 0 and < 0.5))
            throw fault("dpo.label_smoothing", $"{RecipeValue.Write(dpo.LabelSmoothing)} is not in [0, 0.5)", "use 0 for labels that are all right");
        if (dpo.Gamma is { } gamma) fault.AtLeast("dpo.gamma", gamma, 0);
        fault.AtLeast("dpo.length_margin", dpo.LengthMargin, 0);
        fault.AtLeast("dpo.sft_weight", dpo.SftWeight, 0);
        CheckLoss(recipe, PreferenceLosses.Of(dpo.Loss), fault);
    }

    // A key that the loss has no use for is refused, since it would be ignored. With its default it is accepted, so that a recipe with every key written out can be read again.
    private void CheckLoss(Recipe recipe, PreferenceLoss loss, RecipeFault fault)
    {
        foreach (var key in RecipeKey.All.Where(key => key.Section == Section && !Equals(key.Read(recipe), key.Read(Defaults))))
        {
            if (loss.WhyNot(key.Name) is not { } why) continue;
            var others = PreferenceLosses.All.Where(other => other.WhyNot(key.Name) is null).Select(other => other.Name);
            throw fault(key.Name, $"the {loss.Name} loss cannot use it: {why}", $"remove it, or use dpo.loss: {string.Join(" or ", others)}");
        }
    }

    internal override IObjective Create(Recipe recipe, IBatchPlan plan)
    {
        // A recipe that no reader has checked.
        Check(recipe, (key, what, fix) => new BadInputException(key, what, fix));
        return new PreferenceObjective(PreferenceLosses.Of(recipe.Dpo.Loss), recipe.Dpo, plan);
    }
}

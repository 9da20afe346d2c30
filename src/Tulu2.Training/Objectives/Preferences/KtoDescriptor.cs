using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary><c>objective: kto</c>: answers that are labelled desirable or not, one at a time (docs/preferences.md, KTO).</summary>
internal sealed class KtoDescriptor : ObjectiveDescriptor
{
    public override Objective Value => Objective.Kto;

    public override RowKind Rows => RowKind.Unpaired;

    public override double DefaultEpochs => 1;

    public override string Section => "kto";

    public override IReadOnlyList<MetricDescriptor> Metrics => KtoMetrics.All;

    public override bool IsLinear => false;

    public override bool NeedsReference(Recipe recipe) => true;

    internal override void Check(Recipe recipe, RecipeFault fault)
    {
        fault.Above("kto.beta", recipe.Kto.Beta, 0);
        fault.AtLeast("kto.desirable_weight", recipe.Kto.DesirableWeight, 0);
        fault.AtLeast("kto.undesirable_weight", recipe.Kto.UndesirableWeight, 0);
        if (recipe.Kto is { DesirableWeight: 0, UndesirableWeight: 0 })
            throw fault("kto.desirable_weight", "and kto.undesirable_weight are both 0: nothing is learnt", "give one of them a weight above 0");
    }

    internal override IObjective Create(Recipe recipe, IBatchPlan plan)
    {
        // A recipe that no reader has checked.
        Check(recipe, (key, what, fix) => new BadInputException(key, what, fix));
        return new KtoObjective(recipe.Kto, plan);
    }
}

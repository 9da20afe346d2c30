using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Training.Recipes;
using Tulu2.Training.State;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>What the answers of a pair share in a run's slots (<c>dpo.share_prompt</c>).</summary>
public static class PairSharing
{
    /// <summary>Null: nothing.</summary>
    public static SharingRule? Of(Recipe recipe) =>
        recipe.Objective == Objective.Dpo && recipe.Dpo.SharePrompt ? SharedPrefix.RuleOf(ComputeType.Of(recipe.Precision)) : null;
}

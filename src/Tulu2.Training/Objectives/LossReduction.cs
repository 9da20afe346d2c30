using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>What the token losses of a step are averaged over (docs/reference/tulu2.md, SFT). It changes the model, so a profile decides it, not a layout.</summary>
public enum LossReduction
{
    /// <summary>Sum of token losses over all loss tokens of the step: every token weighs the same.</summary>
    TokenMean,
    /// <summary>Mean over micro-batches of 32 consecutive sequences, each a token mean (the paper's TPU code).</summary>
    GroupMean,
    /// <summary>Mean over slots, each a token mean (open-instruct's mean per device).</summary>
    SlotMean,
}

/// <summary>The loss reduction of each profile.</summary>
internal static class LossReductions
{
    public static LossReduction Of(Profile profile) => profile switch
    {
        Profile.PaperTpu => LossReduction.GroupMean,
        Profile.OpenInstruct => LossReduction.SlotMean,
        _ => LossReduction.TokenMean,
    };
}

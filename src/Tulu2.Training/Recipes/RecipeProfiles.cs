namespace Tulu2.Training.Recipes;

/// <summary>
/// What <c>profile</c> sets (docs/reference/tulu2.md, profiles). A profile moves defaults: a key that the user gave keeps its value. The loss reduction
/// (<c>ObjectiveDescriptor</c>) and the rounding of a warm-up ratio (<c>ScheduleSegment</c>) have no key of their own; they belong to the profile.
/// </summary>
public static class RecipeProfiles
{
    /// <param name="given">Dotted names of the keys the user gave, e.g. <c>optimizer.beta2</c>.</param>
    public static Recipe Apply(Recipe recipe, IReadOnlySet<string> given)
    {
        var optimizer = recipe.Optimizer;
        var model = recipe.Model;
        switch (recipe.Profile)
        {
            case Profile.PaperTpu:
                optimizer = optimizer with
                {
                    Beta1 = Or("optimizer.beta1", optimizer.Beta1, 0.9),
                    Beta2 = Or("optimizer.beta2", optimizer.Beta2, 0.95),
                    Epsilon = Or("optimizer.epsilon", optimizer.Epsilon, 1e-8),
                    WeightDecay = Or("optimizer.weight_decay", optimizer.WeightDecay, 0),
                    Clip = Or("optimizer.clip", optimizer.Clip, 1.0),
                };
                if (PaperEpsilon(model.Preset) is { } epsilon && !given.Contains("model.rms_norm_epsilon")) model = model with { RmsNormEpsilon = epsilon };
                break;
            case Profile.OpenInstruct:
                optimizer = optimizer with
                {
                    Beta1 = Or("optimizer.beta1", optimizer.Beta1, 0.9),
                    Beta2 = Or("optimizer.beta2", optimizer.Beta2, 0.999),
                    Epsilon = Or("optimizer.epsilon", optimizer.Epsilon, 1e-8),
                    WeightDecay = Or("optimizer.weight_decay", optimizer.WeightDecay, 0),
                    Clip = Or("optimizer.clip", optimizer.Clip, 1.0),
                };
                break;
        }
        return recipe with { Optimizer = optimizer, Model = model };

        double Or(string key, double value, double profile) => given.Contains(key) ? value : profile;
    }

    /// <summary>
    /// The norm epsilon that the paper's TPU code used whatever the base model says: 1e-6 for its 7B and 13B shapes (docs/reference/tulu2.md, models); null: the
    /// model's own. For a checkpoint directory, whose shape only its config.json tells.
    /// </summary>
    public static double? RmsNormEpsilon(Recipe recipe, int hiddenSize, int layers) =>
        recipe.Model.RmsNormEpsilon ?? (recipe.Profile == Profile.PaperTpu && ((hiddenSize, layers) is (4096, 32) or (5120, 40)) ? 1e-6 : null);

    private static double? PaperEpsilon(string? preset) =>
        preset is not null && (preset.EndsWith("-7b", StringComparison.OrdinalIgnoreCase) || preset.EndsWith("-13b", StringComparison.OrdinalIgnoreCase)) ? 1e-6 : null;
}

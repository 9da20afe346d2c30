using Tulu2.Models.Families;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Recipes;

/// <summary>What a recipe's model reads and trains.</summary>
public static class RunParameters
{
    /// <param name="config">Shape of the model, with the recipe's overrides.</param>
    public static ModelParameters Of(Recipe recipe, ModelConfig config, int virtualShards)
    {
        var map = new ParameterMap(config, virtualShards);
        return recipe.Lora is { } lora ? ModelParameters.Adapted(map, Adapter(lora, recipe.Seed)) : map;
    }

    /// <summary>The adapters that a recipe asks for.</summary>
    public static AdapterSettings Adapter(LoraRecipe lora, int seed) =>
        new(lora.Rank, lora.Alpha, lora.Targets is [LoraRecipe.AllTargets] ? null : lora.Targets) { Dropout = lora.Dropout, IsRankStabilized = lora.Rslora, Seed = seed };
}

using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Recipes;

/// <summary>What a recipe's model reads and trains.</summary>
public static class RunParameters
{
    /// <param name="config">Shape of the model, with the recipe's overrides.</param>
    public static ModelParameters Of(Recipe recipe, ModelConfig config, int virtualShards)
    {
        var map = new ParameterMap(config, virtualShards);
        return recipe.Lora is { } lora ? ModelParameters.Adapted(map, Adapter(lora, recipe.Seed), lora.Quantize == Quantization.Nf4) : map;
    }

    /// <summary>How the model beside a recipe's adapters is quantised; null: it is not.</summary>
    public static string? QuantizedBase(Recipe recipe) =>
        recipe.Lora is { Quantize: Quantization.Nf4 } lora ? lora.DoubleQuant ? AdapterFolder.DoubleQuantized : AdapterFolder.Quantized : null;

    /// <summary>The adapters that a recipe asks for.</summary>
    public static AdapterSettings Adapter(LoraRecipe lora, int seed) =>
        new(lora.Rank, lora.Alpha, lora.Targets is [LoraRecipe.AllTargets] ? null : lora.Targets) { Dropout = lora.Dropout, IsRankStabilized = lora.Rslora, Seed = seed };
}

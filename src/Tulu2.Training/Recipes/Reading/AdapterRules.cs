using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>The adapters that a recipe trains.</summary>
public static class AdapterRules
{
    /// <summary>Checks them against the model's shape.</summary>
    /// <returns>Content hash of those that the recipe begins with; null: it begins with new ones.</returns>
    /// <exception cref="BadInputException">They do not fit the model, or what the recipe says of them.</exception>
    public static string? Check(LoadedRecipe loaded, ModelConfig config)
    {
        if (loaded.Recipe.Lora is not { } lora) return null;
        var projections = AdapterSettings.Projections(config);
        if (lora.Targets is not [LoraRecipe.AllTargets] && lora.Targets.FirstOrDefault(target => !projections.Contains(target)) is { } unknown)
            throw loaded.Fault("lora.targets", $"the model has no projection '{unknown}'", $"use {LoraRecipe.AllTargets}, or some of {string.Join(", ", projections)}");
        if (lora.Adapter is null) return null;
        using var folder = AdapterFolder.Open(lora.Adapter);
        var (given, wanted) = (folder.SettingsFor(config), RunParameters.Adapter(lora, loaded.Recipe.Seed));
        if (given.Rank != wanted.Rank) throw Other("lora.rank", $"rank {given.Rank}", $"{wanted.Rank}", $"{given.Rank}");
        if (given.IsRankStabilized != wanted.IsRankStabilized) throw Other("lora.rslora", $"use_rslora {RecipeValue.Write(given.IsRankStabilized)}",
            RecipeValue.Write(wanted.IsRankStabilized), RecipeValue.Write(given.IsRankStabilized));
        if (given.Alpha != wanted.Alpha) throw Other("lora.alpha", $"alpha {RecipeValue.Write(given.Alpha)}", RecipeValue.Write(wanted.Alpha), RecipeValue.Write(given.Alpha));
        IReadOnlyList<string> has = given.Targets ?? projections, asked = wanted.Targets ?? projections;
        if (!has.Order(StringComparer.Ordinal).SequenceEqual(asked.Order(StringComparer.Ordinal)))
            throw Other("lora.targets", $"projections {string.Join(", ", has)}", string.Join(", ", asked), $"[{string.Join(", ", has)}]");
        return folder.ContentKey;

        BadInputException Other(string key, string held, string recipe, string fix) =>
            loaded.Fault(key, $"the adapters in {lora.Adapter} have {held}, the recipe says {recipe}", $"write {key}: {fix}");
    }
}

using Tulu2.Training.Objectives;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>A run's hyperparameters for people: the keys that decide what is learned, with their values as the recipe's file would give them.</summary>
public static class RecipeSettings
{
    /// <summary>In the recipe's order; without keys that have no value, and without those of an objective that is not the recipe's.</summary>
    public static IReadOnlyList<(string Name, string Value)> Of(Recipe recipe)
    {
        var idle = ObjectiveCatalog.Idle(recipe.Objective);
        return
        [
            .. from key in RecipeKey.All
               where key.IsInHash && idle.All(other => other.Section != key.Section)
               let value = key.Read(recipe)
               where value is not null
               select (key.Name, RecipeValue.Write(value)),
        ];
    }
}

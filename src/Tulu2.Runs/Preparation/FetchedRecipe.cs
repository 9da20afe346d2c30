using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>A recipe whose model and data are on this machine.</summary>
/// <param name="Loaded">The recipe, with paths in place of names on a hub.</param>
internal sealed record FetchedRecipe(LoadedRecipe Loaded, HubNames Names);

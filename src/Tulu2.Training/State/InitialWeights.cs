using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.State;

/// <summary>The weights that a recipe starts from: read from files, or a function of the seed.</summary>
internal static class InitialWeights
{
    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void Fill(Recipe recipe, ParameterMap map, nint destination)
    {
        if (recipe.Model.Path is { } path) HuggingFaceModel.ReadWeights(path, map, destination);
        else RandomWeights.Fill(map, recipe.Seed, destination);
    }

    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void FillAdapters(Recipe recipe, ParameterMap map, nint destination)
    {
        if (recipe.Lora?.Adapter is { } path) AdapterFolder.ReadWeights(path, map, destination);
        else RandomWeights.FillAdapters(map, recipe.Seed, destination);
    }
}

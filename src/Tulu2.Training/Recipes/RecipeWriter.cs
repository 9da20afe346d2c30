using System.Text;

namespace Tulu2.Training.Recipes;

/// <summary>Prints a recipe with every key, as YAML that <c>RecipeReader</c> reads back to the same recipe.</summary>
public static class RecipeWriter
{
    public static string Write(Recipe recipe)
    {
        var text = new StringBuilder();
        var section = "";
        foreach (var key in RecipeKey.All)
        {
            if (key.Section != section && key.Section != "")
                text.Append(IsAbsent(recipe, key.Section) ? $"{key.Section}: null\n" : $"{key.Section}:\n");
            section = key.Section;
            if (section == "") text.Append($"{key.Name}: {RecipeValue.Write(key.Read(recipe))}\n");
            else if (!IsAbsent(recipe, section)) text.Append($"  {key.Name[(section.Length + 1)..]}: {RecipeValue.Write(key.Read(recipe))}\n");
        }
        return text.ToString();
    }

    // A section that is null as a whole shows in keys that can never be null by themselves.
    private static bool IsAbsent(Recipe recipe, string section) =>
        RecipeKey.All.Any(key => key.Section == section && !key.IsNullable && key.Read(recipe) is null);
}

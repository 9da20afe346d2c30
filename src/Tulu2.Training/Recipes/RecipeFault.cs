using Tulu2.Files;

namespace Tulu2.Training.Recipes;

/// <summary>Makes the error about a key of a recipe.</summary>
internal delegate BadInputException RecipeFault(string key, string what, string fix);

/// <summary>Checks of ranges that many keys share.</summary>
internal static class RecipeRanges
{
    /// <exception cref="BadInputException">The value is below <paramref name="least"/>.</exception>
    public static void AtLeast(this RecipeFault fault, string key, double value, double least)
    {
        if (!(value >= least)) throw fault(key, $"{RecipeValue.Write(value)} is below {RecipeValue.Write(least)}", $"use {RecipeValue.Write(least)} or more");
    }

    /// <exception cref="BadInputException">The value is not above <paramref name="bound"/>.</exception>
    public static void Above(this RecipeFault fault, string key, double value, double bound)
    {
        if (!(value > bound))
            throw fault(key, $"{RecipeValue.Write(value)} is not above {RecipeValue.Write(bound)}", $"use a value above {RecipeValue.Write(bound)}");
    }

    /// <exception cref="BadInputException">The value is not in [0, 1).</exception>
    public static void Ratio(this RecipeFault fault, string key, double value)
    {
        if (value is not (>= 0 and < 1)) throw fault(key, $"{RecipeValue.Write(value)} is not in [0, 1)", "use, say, 0.9");
    }
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>A recipe key that has another value now; both as YAML text.</summary>
public sealed record KeyChange(string Key, string From, string To)
{
    /// <summary><c>optimizer.learning_rate 2e-05 -> 1e-05</c></summary>
    public override string ToString() => $"{Key} {From} -> {To}";
}

/// <summary>A change of a run's recipe in the middle of the run.</summary>
/// <param name="After">Steps after this one are made by the changed recipe.</param>
public sealed partial record RecipeChange(int After, IReadOnlyList<KeyChange> Keys)
{
    /// <summary><c>after step 10: optimizer.learning_rate 2e-05 -> 1e-05</c>; <see cref="Parse"/> reads it back.</summary>
    public string Text => $"after step {After}: {string.Join(", ", Keys)}";

    /// <returns>Null: not the text of a change of keys that may be changed.</returns>
    public static RecipeChange? Parse(string text)
    {
        if (Whole().Match(text) is not { Success: true } whole) return null;
        return int.TryParse(whole.Groups[1].Value, CultureInfo.InvariantCulture, out var after) ? Of(after, whole.Groups[2].Value.Split(", ")) : null;
    }

    /// <param name="keys">Texts of <see cref="KeyChange"/>.</param>
    /// <returns>Null: not texts of changes of keys that may be changed.</returns>
    public static RecipeChange? Of(int after, IReadOnlyList<string> keys)
    {
        var changes = keys.Select(key => One().Match(key)).ToList();
        if (changes.Any(change => !change.Success || RecipeKey.Find(change.Groups[1].Value) is not { IsChangeable: true })) return null;
        return new RecipeChange(after, [.. changes.Select(change => new KeyChange(change.Groups[1].Value, change.Groups[2].Value, change.Groups[3].Value))]);
    }

    [GeneratedRegex(@"\Aafter step (\d+): (.+)\z")]
    private static partial Regex Whole();

    // Values of such keys are numbers and names: no spaces.
    [GeneratedRegex(@"\A(\S+) (\S+) -> (\S+)\z")]
    private static partial Regex One();
}

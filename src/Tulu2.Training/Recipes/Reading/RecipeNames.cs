using Tulu2.Files;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>What to write in place of a name that is no key: by what it means elsewhere, by its last word, or by its letters.</summary>
internal static class RecipeNames
{
    private const string AllKeys = "docs/recipe.md, or `tulu2 recipe keys`, has them all";

    // What is no key here, because it is said elsewhere or needs no saying.
    private static readonly Dictionary<string, string> NoKeys = new()
    {
        ["output_dir"] = "give the run's directory on the command line: --run DIR",
        ["run_name"] = "give the run's directory on the command line: --run DIR",
        ["resume_from_checkpoint"] = "go on with a run by --resume on the command line",
        ["overwrite_output_dir"] = "remove it: a run's directory is never overwritten; --run names another",
        ["logging_steps"] = "remove it: metrics.jsonl has every step",
        ["log_every_n_steps"] = "remove it: metrics.jsonl has every step",
        ["report_to"] = "remove it: every run writes metrics.jsonl, TensorBoard files and report.html",
        ["optim"] = "remove it: the optimizer is AdamW; its settings are the keys of `optimizer`",
        ["fused"] = "remove it: the optimizer is AdamW, always fused; its settings are the keys of `optimizer`",
        ["do_train"] = "remove it: `tulu2 train` trains",
        ["attn_implementation"] = "remove it: attention has one form, exact for packed rows",
        ["flash_attn"] = "remove it: attention has one form, exact for packed rows",
    };

    private static readonly ILookup<string, RecipeKey> Elsewhere = RecipeKey.All
        .SelectMany(key => AllOf(key.KnownAs).SelectMany(name => new[] { name, Leaf(name) }.Distinct()).Select(name => (name, key)))
        .ToLookup(pair => pair.name, pair => pair.key);

    /// <param name="name">Dotted, of a key that there is not.</param>
    /// <returns>How to correct it.</returns>
    public static string Fix(string name)
    {
        var leaf = Leaf(name);
        if (NoKeys.TryGetValue(leaf, out var instead)) return instead;
        // A right last word in the wrong section (or in none) is nearer than what another trainer calls so.
        var keys = RecipeKey.All.Where(key => Leaf(key.Name) == leaf).ToList();
        if (keys.Count == 0) keys = [.. Elsewhere[name]];
        if (keys.Count == 0) keys = [.. Elsewhere[leaf]];
        if (keys.Count > 0) return "write " + string.Join(" or ", keys.Distinct().Select(key => $"'{key.Name}' ({FirstSentence(key.Meaning)})"));
        var nearest = NearestName.Of(name, RecipeKey.All.Select(key => key.Name).Concat(RecipeKey.Sections));
        return nearest is null ? AllKeys : $"the nearest key is '{nearest}'; {AllKeys}";
    }

    private static IEnumerable<string> AllOf(KnownAsAttribute? known) =>
        known is null ? [] : string.Join(',', known.Trl, known.Torchtune, known.LlamaFactory, known.Others)
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string Leaf(string name) => name[(name.LastIndexOf('.') + 1)..];

    private static string FirstSentence(string meaning)
    {
        var end = meaning.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? meaning : meaning[..end]).TrimEnd('.');
    }
}

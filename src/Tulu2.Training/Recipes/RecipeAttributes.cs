namespace Tulu2.Training.Recipes;

/// <summary>A key that holds file-system paths: relative ones are resolved against the recipe file, or the current directory for <c>key=value</c> arguments.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PathKeyAttribute : Attribute;

/// <summary>How a choice is spelled in YAML, where that is not its name in lower case with hyphens.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class SpelledAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>
/// A key that cannot change one bit of the result, and so stays out of the recipe's hash. What a path points at does decide bits, but by its content,
/// which the caller adds.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NotInHashAttribute : Attribute;

/// <summary>What a key means: one sentence or two for <c>docs/recipe.md</c>, for the schema that editors read, and for whoever reads the record.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MeaningAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>Names under which users of other trainers know a key; several are separated by commas. An unknown key that is one of them is answered with this one.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KnownAsAttribute : Attribute
{
    /// <summary>TRL's trainers, with the arguments of transformers that they inherit.</summary>
    public string Trl { get; init; } = "";
    public string Torchtune { get; init; } = "";

    /// <summary>LLaMA-Factory, where it has a name of its own; otherwise it has TRL's.</summary>
    public string LlamaFactory { get; init; } = "";

    /// <summary>Other trainers' and old names, which are understood and not listed.</summary>
    public string Others { get; init; } = "";
}

/// <summary>A key that may be changed in the middle of a run (<c>RecipeChanges</c>).</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ChangeableAttribute : Attribute;

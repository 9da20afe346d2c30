using System.Reflection;
using System.Text.RegularExpressions;

namespace Tulu2.Training.Recipes;

/// <summary>One leaf of the recipe: a dotted name such as <c>optimizer.learning_rate</c> and the properties that lead to it.</summary>
internal sealed partial class RecipeKey
{
    private readonly PropertyInfo[] _path;

    private RecipeKey(PropertyInfo[] path)
    {
        _path = path;
        Name = string.Join('.', path.Select(property => SnakeCase(property.Name)));
        Type = Nullable.GetUnderlyingType(Leaf.PropertyType) ?? Leaf.PropertyType;
        IsNullable = new NullabilityInfoContext().Create(Leaf).WriteState == NullabilityState.Nullable;
    }

    /// <summary>Every leaf key, in the order in which the records declare them.</summary>
    public static IReadOnlyList<RecipeKey> All { get; } = [.. Walk(typeof(Recipe), []).Select(path => new RecipeKey(path))];

    /// <summary>The keys that hold other keys (<c>model</c>, <c>data</c>, ...).</summary>
    public static IReadOnlyList<string> Sections { get; } = [.. All.Where(key => key.Section != "").Select(key => key.Section).Distinct()];

    public string Name { get; }

    /// <summary>The type of a value that is not null.</summary>
    public Type Type { get; }
    public bool IsNullable { get; }
    public bool IsPath => Leaf.GetCustomAttribute<PathKeyAttribute>() is not null;
    public bool IsInHash => Leaf.GetCustomAttribute<NotInHashAttribute>() is null;
    public bool IsChangeable => Leaf.GetCustomAttribute<ChangeableAttribute>() is not null;
    public string Section => Name.Contains('.') ? Name[..Name.LastIndexOf('.')] : "";

    /// <summary>A sentence or two for people.</summary>
    public string Meaning => Leaf.GetCustomAttribute<MeaningAttribute>()!.Text;

    /// <summary>Names that other trainers have for it; null: none.</summary>
    public KnownAsAttribute? KnownAs => Leaf.GetCustomAttribute<KnownAsAttribute>();
    private PropertyInfo Leaf => _path[^1];

    public static RecipeKey? Find(string name) => All.FirstOrDefault(key => key.Name == name);

    /// <summary>Null also where a section on the way is null.</summary>
    public object? Read(Recipe recipe)
    {
        object? value = recipe;
        foreach (var property in _path) value = value is null ? null : property.GetValue(value);
        return value;
    }

    /// <summary>Sets the value in place, making sections that are null; for a reader that has not yet handed the recipe out.</summary>
    public void Write(Recipe recipe, object? value)
    {
        object owner = recipe;
        foreach (var property in _path[..^1])
        {
            if (property.GetValue(owner) is not { } next) property.SetValue(owner, next = Activator.CreateInstance(property.PropertyType)!);
            owner = next;
        }
        Leaf.SetValue(owner, value);
    }

    private static IEnumerable<PropertyInfo[]> Walk(Type type, PropertyInfo[] path)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            PropertyInfo[] longer = [.. path, property];
            var isSection = property.PropertyType is { IsClass: true, Namespace: var space } && space == typeof(Recipe).Namespace;
            foreach (var leaf in isSection ? Walk(property.PropertyType, longer) : [longer]) yield return leaf;
        }
    }

    internal static string SnakeCase(string name) => WordStart().Replace(name, "_$1").ToLowerInvariant();

    [GeneratedRegex("(?<=[a-z0-9])([A-Z])")]
    private static partial Regex WordStart();
}

using System.Collections;
using System.Reflection;

namespace Tulu2.Tests;

/// <summary>Checks samples of messages: a property that every sample leaves at its default may be missing on the wire without a round trip failing.</summary>
internal static class WireSamples
{
    /// <summary>Properties of the samples, and of the objects within them, that have their default value in all samples: <c>Type.Property</c>.</summary>
    public static IReadOnlyList<string> LeftAtDefault(IEnumerable<object> samples)
    {
        var differs = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        foreach (var sample in samples) Visit(sample, differs);
        return [.. differs.Where(property => !property.Value).Select(property => property.Key)];
    }

    private static void Visit(object? value, SortedDictionary<string, bool> differs)
    {
        if (value is string or null) return;
        if (value is IEnumerable items)
        {
            foreach (var item in items) Visit(item, differs);
            return;
        }
        var type = value.GetType();
        if (type.Namespace?.StartsWith("Tulu2.", StringComparison.Ordinal) != true || type.IsEnum) return;
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            var name = $"{type.FullName}.{property.Name}";
            var given = property.GetValue(value);
            differs[name] = differs.GetValueOrDefault(name) || !IsDefault(given, property, type);
            Visit(given, differs);
        }
    }

    private static bool IsDefault(object? given, PropertyInfo property, Type owner)
    {
        // A property that no constructor sets has the default that its initializer gives it.
        if (!SetByConstructor(property, owner) && Blank(owner) is { } blank) return Equal(given, property.GetValue(blank));
        return given is null or "" || IsEmpty(given) || property.PropertyType.IsValueType && given.Equals(Activator.CreateInstance(property.PropertyType));
    }

    private static bool Equal(object? one, object? other) => Equals(one, other) || one is not null && other is not null && IsEmpty(one) && IsEmpty(other);

    private static bool IsEmpty(object value) => value is IEnumerable items && !items.Cast<object?>().Any();

    private static bool SetByConstructor(PropertyInfo property, Type owner) =>
        owner.GetConstructors().SelectMany(made => made.GetParameters())
            .Any(parameter => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase));

    private static object? Blank(Type type)
    {
        try
        {
            return type.GetConstructors().OrderBy(made => made.GetParameters().Length).FirstOrDefault() is { } made
                ? made.Invoke([.. made.GetParameters().Select(parameter => parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null)])
                : null;
        }
        catch (TargetInvocationException)
        {
            return null;
        }
    }
}

namespace Tulu2.Training.Recipes;

/// <summary>A key that holds file-system paths: relative ones are resolved against the recipe file, or the current directory for <c>--set</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PathKeyAttribute : Attribute;

/// <summary>
/// A key that cannot change one bit of the result, and so stays out of the recipe's hash. What a path points at does decide bits, but by its content,
/// which the caller adds.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NotInHashAttribute : Attribute;

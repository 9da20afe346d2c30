using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>The known shapes of all families, by the names that recipes call them.</summary>
public static class ModelPresets
{
    private static IEnumerable<KeyValuePair<string, ModelPreset>> Known => ModelFamilies.All.SelectMany(family => family.Presets);

    public static IReadOnlyCollection<string> Names => [.. Known.Select(preset => preset.Key)];

    /// <exception cref="BadInputException">No preset of that name; lists the names.</exception>
    public static ModelConfig Get(string name)
    {
        if (Known.FirstOrDefault(known => known.Key == name).Value is not { } preset)
            throw new BadInputException("model.preset", $"there is no preset '{name}'", $"use one of {string.Join(", ", Names)}");
        var parameters = preset.Config.ParameterCount;
        return parameters == preset.Parameters
            ? preset.Config
            : throw new InvalidOperationException($"preset {name} has {parameters} parameters, but its model {preset.Parameters}");
    }
}

using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>Every preference loss of this assembly, found by reflection.</summary>
internal static class PreferenceLosses
{
    /// <summary>In the order of <see cref="DpoLoss"/>.</summary>
    public static IReadOnlyList<PreferenceLoss> All { get; } = [.. Implementations.In<PreferenceLoss>(typeof(PreferenceLosses).Assembly).OrderBy(loss => loss.Value)];

    public static PreferenceLoss Of(DpoLoss value) => All.Single(loss => loss.Value == value);
}

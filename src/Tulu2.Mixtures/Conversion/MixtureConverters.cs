using Tulu2.Files;

namespace Tulu2.Mixtures.Conversion;

/// <summary>Every converter of this assembly, found by reflection.</summary>
internal static class MixtureConverters
{
    public static IReadOnlyList<IMixtureConverter> All { get; } =
        [.. Implementations.In<IMixtureConverter>(typeof(IMixtureConverter).Assembly).OrderBy(converter => converter.Name, StringComparer.Ordinal)];
}

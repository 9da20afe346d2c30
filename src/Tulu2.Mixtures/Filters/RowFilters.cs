using Tulu2.Files;

namespace Tulu2.Mixtures.Filters;

/// <summary>Every filter of this assembly, found by reflection.</summary>
internal static class RowFilters
{
    public static IReadOnlyList<IRowFilter> All { get; } =
        [.. Implementations.In<IRowFilter>(typeof(IRowFilter).Assembly).OrderBy(filter => filter.Name, StringComparer.Ordinal)];
}

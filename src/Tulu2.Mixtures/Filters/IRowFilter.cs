using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Filters;

/// <summary>What a filter makes of a row.</summary>
/// <param name="Reason">Why the row goes; null: it stays.</param>
/// <param name="OnlyParity">Why <c>mode: parity</c> removes the row and <c>mode: fixed</c> does not; null: both do the same.</param>
internal readonly record struct FilterVerdict(string? Reason, string? OnlyParity);

/// <summary>Removes rows by what is in them. One class without constructor parameters in one file of this folder; found by reflection.</summary>
internal interface IRowFilter
{
    /// <summary>The name that recipes use, in lower case.</summary>
    string Name { get; }

    /// <summary>Reads its keys and gives the test of a row, which is pure and called from several threads.</summary>
    Func<IReadOnlyList<Message>, FilterVerdict> Begin(Section keys, MixtureMode mode);
}

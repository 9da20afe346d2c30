namespace Tulu2.Data.Slots;

/// <summary>How often an epoch passes a row (or pair).</summary>
/// <param name="Steps">Whole steps of an epoch.</param>
/// <param name="Items">Rows (or pairs) that an epoch passes, each counted as often as it is passed; those behind the last whole step are left out.</param>
/// <param name="Most">No row (or pair) is passed more often.</param>
public sealed record EpochFacts(int Steps, int Items, int Most);

namespace Tulu2.Data.Slots;

/// <summary>Consecutive rows (or pairs) of one source, by whose name metrics are given. A list of them covers a run's items from the first on.</summary>
public readonly record struct SourceItems(string Name, int Count);

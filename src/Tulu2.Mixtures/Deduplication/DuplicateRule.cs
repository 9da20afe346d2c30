namespace Tulu2.Mixtures.Deduplication;

public enum DuplicateKind { None, Exact, Near }

/// <summary>Which rows count as repetitions of an earlier one.</summary>
/// <param name="Threshold">For near ones: the least estimated Jaccard similarity, above 0 and up to 1.</param>
/// <param name="Shingle">For near ones: words of a shingle.</param>
public sealed record DuplicateRule(DuplicateKind Kind, double Threshold = 0.8, int Shingle = 5);

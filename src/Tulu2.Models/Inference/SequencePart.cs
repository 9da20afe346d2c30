namespace Tulu2.Models.Inference;

/// <summary>Consecutive new tokens of a sequence.</summary>
/// <param name="Ids">Not empty.</param>
/// <param name="First">Position of the first of them: so many tokens are in the cache.</param>
/// <param name="Pages">Pages of the sequence, from its beginning to the last new token's at least.</param>
public readonly record struct SequencePart(ReadOnlyMemory<int> Ids, int First, IReadOnlyList<int> Pages);

namespace Tulu2.Mixtures.Overlaps;

/// <summary>
/// When a row overlaps with a benchmark's text: they share <paramref name="Length"/> consecutive words, or the row has all words of a shorter text, in
/// order and without others between them. Texts of fewer than <paramref name="Shortest"/> words do not count: many of them are phrases that anybody writes.
/// The lengths are those of GPT-3 (Brown et al.: Language models are few-shot learners, 2020, appendix C): 13 words, down to 8 for short texts.
/// </summary>
public sealed record OverlapRule(int Length, int Shortest)
{
    public const int DefaultLength = 13, DefaultShortest = 8;

    // A text's length is kept in a byte.
    public const int MostLength = 100;

    /// <summary>Also for fewer words than <see cref="DefaultShortest"/>: then shorter texts do not count at all.</summary>
    public static OverlapRule Of(int length) => new(length, Math.Min(length, DefaultShortest));
}

namespace Tulu2.Mixtures.BenchmarkTexts;

/// <summary>What a text is to its item.</summary>
public enum ItemPart
{
    /// <summary>What is asked.</summary>
    Question,
    /// <summary>A passage that the question is about.</summary>
    Context,
    /// <summary>An answer to choose from, or a wrong one.</summary>
    Choice,
    /// <summary>A right answer, or the one that answers are compared with.</summary>
    Answer,
}

internal sealed record ItemText(ItemPart Part, string Text);

/// <summary>The texts of one item of a benchmark.</summary>
/// <param name="Id">The one in the benchmark's file; where it has none, the number of the item there, from 1, after its part of the benchmark.</param>
internal sealed record ItemTexts(string Id, IReadOnlyList<ItemText> Texts);

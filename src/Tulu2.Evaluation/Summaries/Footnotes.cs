namespace Tulu2.Evaluation.Summaries;

/// <summary>Remarks on a table's cells, each with a letter.</summary>
internal sealed class Footnotes
{
    private readonly List<string> _texts = [];

    public IEnumerable<string> Lines => _texts.Select((text, index) => $"[{Letter(index)}] {text}");

    /// <returns>The letter of the remark.</returns>
    public string Mark(string text)
    {
        var index = _texts.IndexOf(text);
        if (index < 0)
        {
            index = _texts.Count;
            _texts.Add(text);
        }
        return Letter(index);
    }

    /// <returns>The letters; null: there is nothing to remark.</returns>
    public string? Marks(IEnumerable<string> texts) => texts.Select(Mark).ToList() is { Count: > 0 } letters ? string.Join(' ', letters) : null;

    private static string Letter(int index) => index < 26 ? $"{(char)('a' + index)}" : $"{Letter(index / 26 - 1)}{Letter(index % 26)}";
}

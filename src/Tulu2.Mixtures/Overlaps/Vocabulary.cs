namespace Tulu2.Mixtures.Overlaps;

/// <summary>Numbers of the words that the benchmarks have, by the words themselves: equal numbers are equal words.</summary>
internal sealed class Vocabulary
{
    /// <summary>Stands for every other word: no benchmark has it.</summary>
    public const int Unknown = -1;

    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _words = [];

    public int Count => _words.Count;

    public string this[int number] => _words[number];

    /// <summary>The word's number, which it gets now if it has none. By one thread.</summary>
    public int Add(ReadOnlySpan<char> word)
    {
        var numbers = _numbers.GetAlternateLookup<ReadOnlySpan<char>>();
        if (numbers.TryGetValue(word, out var number)) return number;
        _words.Add(word.ToString());
        _numbers.Add(_words[^1], _words.Count - 1);
        return _words.Count - 1;
    }

    /// <summary>The word's number, or <see cref="Unknown"/>. By any number of threads once all words are added.</summary>
    public int Find(ReadOnlySpan<char> word) => _numbers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out var number) ? number : Unknown;
}

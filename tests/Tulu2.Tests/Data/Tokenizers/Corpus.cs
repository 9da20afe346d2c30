using System.Text;

namespace Tulu2.Tests.Data.Tokenizers;

/// <summary>Small made-up texts with what tokenizers stumble over: runs of spaces, newlines, tabs, digits, signs, several scripts, emoji.</summary>
internal static class Corpus
{
    private static readonly string[] Words =
    [
        "the", "a", "story", "sorting", "list", "reverse", "number", "What", "is", "The", "answer", "compare", "banana", "abab", "aaa", "aaaa",
        "naïve", "Größe", "привет", "世界", "日本語", "don't", "x=1;", "<|user|>", "<|assistant|>", "</s>",
        "--", "...", "12", "345", "  ", "\n", "\n\n", "\t", "🦙", "👩‍👩‍👧", "e\u0301",
    ];

    internal static IEnumerable<string> Texts(int count, int seed)
    {
        var random = new Random(seed);
        for (var text = 0; text < count; text++)
        {
            var builder = new StringBuilder();
            for (var word = random.Next(1, 40); word > 0; word--)
            {
                builder.Append(Words[Math.Min(random.Next(Words.Length), random.Next(Words.Length))]);
                if (random.Next(8) != 0) builder.Append(' ');
            }
            yield return builder.ToString();
        }
    }
}

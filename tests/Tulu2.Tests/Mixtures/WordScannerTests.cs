using Tulu2.Mixtures.Overlaps;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class WordScannerTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(" \t\n .,;-", "")]
    [InlineData("Janet’s ducks lay 16 eggs.", "janet|s|ducks|lay|16|eggs")]
    [InlineData("a well-known $1,000—and more", "a|well|known|1|000|and|more")]
    [InlineData("def has_close(numbers: List[float]) -> bool:", "def|has|close|numbers|list|float|bool")]
    [InlineData("a+b = C2", "a|b|c2")]
    [InlineData("ÄRGER Straße ΣΑΣ", "ärger|straße|σασ")]
    // A soft hyphen and a zero-width joiner are not seen.
    [InlineData("co\u00adoperate zero\u200dwidth", "cooperate|zerowidth")]
    // Combining marks belong to their letters: Telugu, and an accent that stands by itself.
    [InlineData("తెలుగు భాష, cafe\u0301!", "తెలుగు|భాష|cafe\u0301")]
    // Korean has spaces, Chinese and Japanese have none.
    [InlineData("한국어 문장 你好a世界 ねこ", "한국어|문장|你|好|a|世|界|ね|こ")]
    // Letters beyond the basic plane; what is no letter there separates.
    [InlineData("\U0001D400b 😀x \U00020000y", "\U0001D400b|x|\U00020000|y")]
    [InlineData("lone\ud800surrogate", "lone|surrogate")]
    public void Words_are_letters_digits_and_marks_in_lower_case(string text, string words) => Assert.Equal(words, string.Join('|', Words(text)));

    [Fact]
    public void A_word_may_be_longer_than_any_buffer() => Assert.Equal([new string('a', 100_000), "b"], Words(new string('A', 100_000) + " b"));

    internal static List<string> Words(string text)
    {
        var (scanner, words) = (new WordScanner(), new List<string>());
        var rest = text.AsSpan();
        while (scanner.TryNext(ref rest, out var word)) words.Add(word.ToString());
        return words;
    }
}

using FsCheck;
using FsCheck.Xunit;
using Tulu2.Mixtures.Overlaps;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class OverlapIndexTests
{
    private const string Thirteen = "one two three four five six seven eight nine ten eleven twelve thirteen";

    private static readonly OverlapRule Rule = OverlapRule.Of(13);

    [Theory]
    // Thirteen words in a row, whatever stands between them and around them.
    [InlineData("Yes: ONE, two three four-five six (seven) eight nine ten; eleven twelve\nthirteen!", Thirteen)]
    [InlineData("zero " + Thirteen + " fourteen", Thirteen)]
    // Twelve are too few, and so are thirteen with another word between them.
    [InlineData("one two three four five six seven eight nine ten eleven twelve", "")]
    [InlineData("one two three four five six seven or eight nine ten eleven twelve thirteen", "")]
    // Eight to twelve words count where they are the whole of a text.
    [InlineData("It is: short texts of eight words count as one.", "short texts of eight words count as one")]
    [InlineData("short texts of eight words count as", "")]
    [InlineData("short texts of eight words count for one", "")]
    // Seven words are too few to count.
    [InlineData("only seven words stand in this one", "")]
    public void A_row_overlaps_by_thirteen_words_or_by_the_whole_of_a_shorter_text(string row, string shared)
    {
        var index = Index(Rule, null, $"{Thirteen} fourteen", "Short texts of eight words count as one!", "only seven words stand in this one");
        var found = Find(index, row).Select(index.TextOf).ToList();
        Assert.Contains(shared, found.DefaultIfEmpty(""));
        if (shared == "") Assert.Empty(found);
    }

    [Fact]
    public void A_text_that_is_too_short_is_told()
    {
        var builder = new OverlapIndexBuilder(Rule);
        Assert.False(builder.Add(default, "seven words that are not quite enough"));
        Assert.True(builder.Add(default, "eight words are enough for it to count"));
        Assert.False(builder.Add(default, ""));
        Assert.Equal([1L], builder.Build().CountByBenchmark(1));
    }

    [Fact]
    public void An_n_gram_of_several_items_is_one_and_knows_all_of_them_in_order()
    {
        var builder = new OverlapIndexBuilder(new OverlapRule(3, 2));
        TextOwner[] owners = [new(0, 0, 0), new(0, 1, 0), new(1, 0, 0), new(1, 3, 2)];
        foreach (var owner in owners) builder.Add(owner, $"a b c {(owner.Item == 1 ? "d" : "")}");
        var index = builder.Build();
        var ngram = Assert.Single(Find(index, "x a b c"));
        Assert.Equal(owners, index.OwnersOf(ngram));
        Assert.Equal([2L, 1L], index.CountByBenchmark(2));
    }

    [Fact]
    public void An_index_without_texts_finds_nothing() => Assert.Empty(Find(new OverlapIndexBuilder(Rule).Build(), Thirteen));

    // Whether hashes differ, are all the same, or differ in one bit: what is found is what is there.
    [Property(MaxTest = 500)]
    public void What_is_found_is_what_a_comparison_of_everything_finds(NonEmptyArray<byte[]> texts, NonEmptyArray<byte> row, byte shape)
    {
        var (length, shortest) = (2 + shape % 4, 1 + shape / 4 % 2);
        var rule = new OverlapRule(length, shortest);
        Func<int, ulong>?[] hashes = [null, _ => 0, _ => 7, word => (ulong)word & 1];
        string[] written = [.. texts.Get.Select(text => Text(text ?? []))];
        var expected = BruteForce(rule, written, Text(row.Get));
        foreach (var hash in hashes)
        {
            var index = Index(rule, hash, written);
            var found = Find(index, Text(row.Get)).Distinct().ToList();
            Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), found.Select(index.TextOf).Order(StringComparer.Ordinal));
            foreach (var ngram in found) Assert.Equal(expected[index.TextOf(ngram)], index.OwnersOf(ngram).Select(owner => owner.Item).Distinct());
            Assert.Equal(written.SelectMany(text => Grams(rule, text)).Distinct().Count(), index.CountByBenchmark(1)[0]);
        }
    }

    // Four words, of which a benchmark has three: much overlaps, and windows end at words that it does not have.
    private static string Text(byte[] words) => string.Join(' ', words.Select(word => "abcz"[word % 4]));

    private static Dictionary<string, List<int>> BruteForce(OverlapRule rule, string[] texts, string row)
    {
        var found = new Dictionary<string, List<int>>();
        for (var item = 0; item < texts.Length; item++)
            foreach (var gram in Grams(rule, texts[item]).Distinct())
                if ($" {row} ".Contains($" {gram} ", StringComparison.Ordinal)) (found.TryGetValue(gram, out var items) ? items : found[gram] = []).Add(item);
        return found;
    }

    private static IEnumerable<string> Grams(OverlapRule rule, string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < rule.Shortest) return [];
        var length = Math.Min(rule.Length, words.Length);
        return Enumerable.Range(0, words.Length - length + 1).Select(begin => string.Join(' ', words[begin..(begin + length)]));
    }

    private static OverlapIndex Index(OverlapRule rule, Func<int, ulong>? hash, params string[] texts)
    {
        var builder = new OverlapIndexBuilder(rule);
        for (var item = 0; item < texts.Length; item++) builder.Add(new TextOwner(0, item, 0), texts[item]);
        return builder.Build(hash);
    }

    private static List<int> Find(OverlapIndex index, string text)
    {
        var found = new List<int>();
        index.Find([.. WordScannerTests.Words(text).Select(word => index.Vocabulary.Find(word))], found);
        return found;
    }
}

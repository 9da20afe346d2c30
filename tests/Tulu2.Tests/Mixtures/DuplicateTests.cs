using FsCheck.Xunit;
using Tulu2.Data.Python;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Deduplication;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class DuplicateTests
{
    private static readonly MinHash Hash = new(3);

    [Fact]
    public void White_space_around_a_turn_is_no_difference_but_roles_and_cuts_are()
    {
        var one = ContentFingerprint.Of([new Message(Message.User, "a b"), new Message(Message.Assistant, "c")]);
        Assert.Equal(one, ContentFingerprint.Of([new Message(Message.User, " a b\n"), new Message(Message.Assistant, "c\u001c")]));
        Assert.NotEqual(one, ContentFingerprint.Of([new Message(Message.System, "a b"), new Message(Message.Assistant, "c")]));
        Assert.NotEqual(one, ContentFingerprint.Of([new Message(Message.User, "a"), new Message(Message.Assistant, "bc")]));
        Assert.NotEqual(one, ContentFingerprint.Of([new Message(Message.User, "a  b"), new Message(Message.Assistant, "c")]));
    }

    // An estimate of 128 places has a standard deviation of at most 0.045.
    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(100)]
    public void The_estimate_is_near_the_similarity_of_the_shingles(int changed)
    {
        var random = new PythonRandom(5);
        var words = Enumerable.Range(0, 400).Select(_ => $"w{random.RandRange(100000)}").ToArray();
        var others = words.Select((word, at) => at < changed ? $"other{at}" : word).ToArray();
        var (left, right) = (Shingles(words), Shingles(others));
        var jaccard = (double)left.Intersect(right).Count() / left.Union(right).Count();
        Assert.InRange(MinHash.Similarity(Of(string.Join(' ', words)), Of(string.Join(", ", others).ToUpperInvariant())), jaccard - 0.15, jaccard + 0.15);
    }

    [Fact]
    public void Near_ones_are_found_and_the_first_is_kept()
    {
        var check = new DuplicateCheck(new DuplicateRule(DuplicateKind.Near, 0.8, 3));
        var text = string.Join(' ', Enumerable.Range(0, 200).Select(at => $"word{at}"));
        Assert.Null(Find(check, "something else altogether, of some length"));
        Assert.Null(Find(check, text));
        Assert.Equal((1, false), Find(check, text + " and one more"));
        Assert.Equal((1, true), Find(check, text));
        // It was not kept, so that it is no original of others.
        Assert.Equal((1, false), Find(check, text + " and one more"));
        Assert.Null(Find(check, string.Join(' ', Enumerable.Range(150, 200).Select(at => $"word{at}"))));
        Assert.Null(Find(check, "日本語の文章はここにあります"));
        Assert.Equal((3, false), Find(check, "日本語の文章はここにありますよ"));
    }

    [Theory]
    [InlineData(0.5, 3)]
    [InlineData(0.8, 6)]
    [InlineData(0.9, 10)]
    [InlineData(1, 16)]
    public void Bands_miss_hardly_any_pair_at_the_threshold(double threshold, int rows) => Assert.Equal(rows, NearIndex.RowsOfBand(threshold));

    [Property(MaxTest = 20)]
    public bool What_is_added_is_found_again_whatever_else_is_there(int seed)
    {
        var (random, index) = (new PythonRandom(seed), new NearIndex(0.9));
        var signatures = Enumerable.Range(0, 600).Select(_ => Of(string.Join(' ', Enumerable.Range(0, 20).Select(_ => random.RandRange(1 << 30))))).ToList();
        foreach (var signature in signatures) index.Add(signature);
        return signatures.Select(index.Find).SequenceEqual(Enumerable.Range(0, 600).Select(number => (int?)number));
    }

    private static (int, bool)? Find(DuplicateCheck check, string text) =>
        check.FindOrAdd(ContentFingerprint.Of([new Message(Message.User, text)]), Of(text)) is var (row, exact) ? (row, exact) : null;

    private static ushort[] Of(string text) => Hash.Of([new Message(Message.User, text)]);

    private static HashSet<string> Shingles(string[] words) => [.. Enumerable.Range(0, words.Length - 2).Select(at => string.Join(' ', words[at..(at + 3)]))];
}

using FsCheck;
using FsCheck.Xunit;
using Tulu2.Data.Python;
using Tulu2.Mixtures.Selection;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class SelectionTests
{
    private static readonly EntryCount[] Two = [new("a.jsonl", 30), new("b.jsonl", 20)];

    [Fact]
    public void Nothing_asked_for_is_everything_in_order_without_a_draw()
    {
        var random = new PythonRandom(42);
        var selection = new SampleRule().Select(Two, Amount.Everything, random);
        Assert.Equal(Enumerable.Range(0, 50), Order(selection));
        Assert.Equal(0.6394267984578837, random.Random());
    }

    [Fact]
    public void A_sample_is_pythons()
    {
        Assert.Equal(new PythonRandom(42).Sample(50, 10), Order(new SampleRule().Select(Two, new Amount(10, null, null), new PythonRandom(42))));
        var random = new PythonRandom(42);
        var each = random.Sample(30, 4).Concat(random.Sample(20, 3).Select(number => 30 + number));
        Assert.Equal(each, Order(new SampleRule().Select(Two, new Amount(null, [4, 3], null), new PythonRandom(42))));
    }

    [Fact]
    public void A_weight_is_passes_and_a_sample_of_the_rest()
    {
        var order = Order(new SampleRule().Select(Two, new Amount(null, null, 2.5), new PythonRandom(42)));
        Assert.Equal(Enumerable.Range(0, 50).Concat(Enumerable.Range(0, 50)).Concat(new PythonRandom(42).Sample(50, 25)), order);
        Assert.Empty(Order(new SampleRule().Select(Two, new Amount(null, null, 0), new PythonRandom(42))));
    }

    [Fact]
    public void More_than_there_is_is_refused()
    {
        var fault = Assert.Throws<SelectionFault>(() => new SampleRule().Select(Two, new Amount(null, [4, 21], null), new PythonRandom(42)));
        Assert.Equal(("sample", "asks for 21 records, but b.jsonl has 20"), (fault.Key, fault.Message));
        Assert.Equal("has 1 number for 2 entries of files", Assert.Throws<SelectionFault>(() => new SampleRule().Select(Two, new Amount(null, [4], null), new PythonRandom(42))).Message);
    }

    [Fact]
    public void A_shuffle_moves_the_stream_for_a_file_of_which_nothing_is_taken()
    {
        PythonRandom with = new(42), without = new(42);
        var first = Order(new ShuffleRule().Select(Two, new Amount(null, [5, 0], null), with));
        Assert.Equal(first, Order(new ShuffleRule().Select(Two[..1], new Amount(5, null, null), without)));
        Assert.NotEqual(with.Random(), without.Random());
    }

    [Fact]
    public void The_originals_slip_reads_no_zero_shot_file_without_few_shot_rows()
    {
        Assert.Equal(4, new ChainOfThoughtRule(slips: false).Select(Two, new Amount(null, [4, 0], null), new PythonRandom(42)).Count);
        Assert.Equal(0, new ChainOfThoughtRule(slips: true).Select(Two, new Amount(null, [4, 0], null), new PythonRandom(42)).Count);
    }

    [Fact]
    public void Shares_keep_the_files_order()
    {
        var rule = new SharesRule(20, [new("b", 0.25), new("a", 0.5), new("c", 0)], 42);
        var order = Order(rule.Select(Two, Amount.Everything, new PythonRandom(1)));
        var random = new PythonRandom(42);
        Assert.Equal(random.Sample(20, 5).Order().Select(number => 30 + number).Concat(random.Sample(30, 10).Order()), order);
        Assert.Contains("has no sub-mix x", Assert.Throws<SelectionFault>(() => new SharesRule(20, [new("x", 1)], 42).Select(Two, Amount.Everything, new PythonRandom(1))).Message);
    }

    [Property]
    public bool Every_place_belongs_to_one_record(byte records, byte passes, int seed)
    {
        var part = new PythonRandom(seed).Sample(records, records / 2);
        var selection = new SourceSelection(records, passes % 4, part);
        return Enumerable.Range(0, records).SelectMany(selection.PlacesOf).Order().SequenceEqual(Enumerable.Range(0, selection.Count));
    }

    private static int[] Order(SourceSelection selection)
    {
        var order = new int[selection.Count];
        for (var record = 0; record < selection.Records; record++)
            foreach (var place in selection.PlacesOf(record)) order[place] = record;
        return order;
    }
}

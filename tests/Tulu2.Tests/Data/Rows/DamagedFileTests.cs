using Tulu2.Benchmarks;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Whatever happens to a file, no row comes out of it that it does not hold, and no row is lost without a word.</summary>
public sealed class DamagedFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Seeds => new(All().Select(seed => seed.Name));

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_file_cut_anywhere_gives_only_rows_that_it_holds_and_says_that_it_is_cut(string name)
    {
        using var fuzz = new RowFuzz();
        var seed = All().Single(one => one.Name == name);
        fuzz.CutEverywhere(seed, step: seed.Bytes.Length > 2000 ? 13 : 3);
        fuzz.CutEverywhere(seed with { Bytes = seed.Bytes, Name = seed.Name }, step: seed.Bytes.Length);
        Assert.True(fuzz.Inputs > 50);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Wrong_bytes_never_crash_a_reader_nor_bring_up_a_librarys_text(string name)
    {
        using var fuzz = new RowFuzz();
        var random = new Random(3);
        var seed = All().Single(one => one.Name == name);
        for (var input = 0; input < 300; input++) fuzz.Damage(seed, random);
        Assert.Equal(300, fuzz.Inputs);
    }

    [Fact]
    public void Of_gzip_that_breaks_off_the_whole_lines_are_kept_and_no_cut_line_becomes_a_row()
    {
        var lines = Enumerable.Range(0, 3000).Select(number => Row($"{ContentHash.OfParts([$"{number}"])}")).ToArray();
        var packed = TemporaryFolder.Gzip(string.Concat(lines));
        var results = RowReader.ReadMessages(folder.WriteBytes("cut.gz", packed[..(packed.Length / 2)])).ToList();
        var fault = results[^1].Fault!;
        Assert.Equal(RowFaultKind.DamagedFile, fault.Kind);
        Assert.Contains($"breaks off at byte {packed.Length / 2:N0}", fault.Reason);
        Assert.Contains($"{results.Count - 1:N0} whole rows", fault.Reason);
        Assert.Equal(results.Count, fault.Location.Line);
        Assert.InRange(results.Count, 100, 2900);
        for (var row = 0; row < results.Count - 1; row++) Assert.Contains(results[row].Row!.Messages[1].Content, lines[row]);
    }

    [Fact]
    public void With_a_wrong_checksum_no_row_of_its_member_is_taken_but_every_row_before_it()
    {
        byte[] first = TemporaryFolder.Gzip(Row("one") + Row("two")), second = TemporaryFolder.Gzip(Row("three"));
        second[^8] ^= 1;
        var results = RowReader.ReadMessages(folder.WriteBytes("rows.gz", [.. first, .. second])).ToList();
        Assert.Equal(["one", "two"], results.Where(result => result.Row is not null).Select(result => result.Row!.Messages[1].Content));
        Assert.Contains($"the checksum of the gzip member at byte {first.Length + 1} ", results[^1].Fault!.Reason);
        Assert.Contains("2 whole rows", results[^1].Fault!.Reason);
    }

    [Fact]
    public void A_last_line_that_no_line_feed_ends_is_kept_only_if_the_file_is_whole()
    {
        var packed = TemporaryFolder.Gzip(Row("one") + Row("two").TrimEnd());
        Assert.Equal(2, RowReader.ReadMessages(folder.WriteBytes("whole.gz", packed)).Count(result => result.Row is not null));
        Assert.Equal(1, RowReader.ReadMessages(folder.WriteBytes("more.gz", [.. packed, 1])).Count(result => result.Row is not null));
    }

    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"us")]
    [InlineData("{")]
    [InlineData("{\"messages\":[]}\0\0\0")]
    public void A_plain_file_whose_last_line_is_cut_is_damaged_there(string last)
    {
        var results = RowReader.ReadMessages(folder.Write("rows.jsonl", Row("one") + last)).ToList();
        Assert.Equal((RowFaultKind.DamagedFile, 2L), (results[1].Fault!.Kind, results[1].Fault!.Location.Line));
        // With a line feed behind it the line is bad, and the file is not.
        Assert.Equal(RowFaultKind.Broken, RowReader.ReadMessages(folder.Write("rows.jsonl", Row("one") + last + "\n")).Last().Fault!.Kind);
    }

    [Theory]
    [InlineData("[ROW,ROW", "breaks off", 1)]
    [InlineData("[ROW,ROW,", "breaks off", 2)]
    [InlineData("[ROW] more", "something follows", 1)]
    [InlineData("[ROW,{\"a\":},ROW]", "broken JSON", 1)]
    [InlineData("[ROW,]", "broken JSON", 1)]
    [InlineData("[ROW ROW]", "broken JSON", 0)]
    public void An_array_that_is_cut_or_broken_is_damaged_there(string form, string reason, int rows)
    {
        var results = RowReader.ReadMessages(folder.Write("rows.json", form.Replace("ROW", Row("x").TrimEnd(), StringComparison.Ordinal))).ToList();
        Assert.Equal(rows, results.Count(result => result.Row is not null));
        Assert.Equal(RowFaultKind.DamagedFile, results[^1].Fault!.Kind);
        Assert.Contains(reason, results[^1].Fault!.Reason);
    }

    private static string Row(string answer) => "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"" + answer + "\"}]}\n";

    private static IEnumerable<RowFuzzSeed> All() => [.. RowFuzzSeeds.Gzip(), .. RowFuzzSeeds.Json(), .. RowFuzzSeeds.Parquet()];
}

using ParquetSharp;
using Tulu2.Benchmarks;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class ParquetReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<ParquetDataPageVersion, Encoding?, Compression> Forms => new()
    {
        { ParquetDataPageVersion.V1, null, Compression.Snappy },
        { ParquetDataPageVersion.V1, Encoding.Plain, Compression.Uncompressed },
        { ParquetDataPageVersion.V1, Encoding.DeltaByteArray, Compression.Zstd },
        { ParquetDataPageVersion.V2, null, Compression.Gzip },
        { ParquetDataPageVersion.V2, Encoding.DeltaByteArray, Compression.Zstd },
        { ParquetDataPageVersion.V2, Encoding.DeltaLengthByteArray, Compression.Brotli },
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Forms))]
    public void Rows_of_all_row_groups_are_read_in_order_whatever_their_pages_encodings_and_compression(
        ParquetDataPageVersion pages, Encoding? encoding, Compression compression)
    {
        var bytes = ParquetSamples.Write([Ids(25), Dialogues(25)], pages, encoding, compression, groupRows: 10);
        var path = folder.WriteBytes("rows.parquet", bytes);
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal(25, results.Count);
        Assert.Contains("messages[1] has no content", results[7].Fault!.Reason);
        Assert.Equal(8, results[7].Fault!.Location.Line);
        Assert.Equal(("ä24", "24"), (results[24].Row!.Messages[1].Content, results[24].Row!.Id));
        Assert.Equal(new RowLocation(path, 25), results[24].Row!.Location);
    }

    [Fact]
    public void A_parquet_file_inside_gzip_is_read_as_well()
    {
        var path = folder.WriteBytes("rows.parquet.gz", TemporaryFolder.Gzip(ParquetSamples.Write([Ids(25), Dialogues(25)])));
        Assert.Equal(24, RowReader.ReadMessages(path).Count(result => result.Row is not null));
    }

    [Fact]
    public void Columns_that_no_row_is_made_of_cost_nothing_be_they_maps_or_hold_nan()
    {
        var numbers = ParquetSamples.Numbers("score", [double.NaN, double.PositiveInfinity, 1]);
        var path = folder.WriteBytes("rows.parquet", ParquetSamples.Write([numbers, ParquetSamples.Maps("tags", 3), Ids(3), Dialogues(3)]));
        Assert.Equal(3, RowReader.ReadMessages(path).Count(result => result.Row is not null));
    }

    [Fact]
    public void A_column_that_a_row_needs_but_is_no_text_is_a_fault_of_each_row_by_name()
    {
        var path = folder.WriteBytes("rows.parquet", ParquetSamples.Write([ParquetSamples.Maps("messages", 2)]));
        Assert.All(RowReader.ReadMessages(path), result => Assert.Contains("messages is an object", result.Fault!.Reason));
        var pairs = folder.WriteBytes("pairs.parquet", ParquetSamples.Write(
            [ParquetSamples.Texts("prompt", ["a"]), ParquetSamples.Numbers("chosen", [double.PositiveInfinity]), ParquetSamples.Texts("rejected", ["c"])]));
        Assert.Contains("chosen is a number", Assert.Single(RowReader.ReadPreferences(pairs)).Fault!.Reason);
    }

    [Fact]
    public void Preference_strings_are_read_from_parquet()
    {
        var path = folder.WriteBytes("pairs.parquet", ParquetSamples.Write(
            [ParquetSamples.Texts("prompt", ["a"]), ParquetSamples.Texts("chosen", ["b"]), ParquetSamples.Texts("rejected", ["c"]), ParquetSamples.Numbers("score", [1.5])]));
        Assert.Equal("c", Assert.Single(RowReader.ReadPreferences(path)).Row!.Rejected[1].Content);
        Assert.Equal(RowKind.Preferences, RowKinds.Of(path));
    }

    [Fact]
    public void A_table_without_any_column_of_a_row_is_refused_with_the_columns_that_it_has()
    {
        var path = folder.WriteBytes("rows.parquet", ParquetSamples.Write([ParquetSamples.Texts("comment", ["a"]), ParquetSamples.Numbers("score", [1])]));
        var failure = Assert.Throws<BadInputException>(() => RowReader.ReadMessages(path).Any());
        Assert.Contains("comment, score", failure.What);
    }

    [Fact]
    public void A_damaged_page_with_a_checksum_ends_the_file_there_and_names_the_column()
    {
        var bytes = ParquetSamples.Write([Ids(20), Dialogues(20)], encoding: Encoding.Plain, compression: Compression.Uncompressed, groupRows: 10, checksums: true);
        // In the second row group.
        var place = bytes.AsSpan().IndexOf("ä13"u8);
        bytes[place + 2] ^= 1;
        var results = RowReader.ReadMessages(folder.WriteBytes("rows.parquet", bytes)).ToList();
        Assert.Equal(9, results.Count(result => result.Row is not null));
        Assert.Equal(RowFaultKind.DamagedFile, results[^1].Fault!.Kind);
        Assert.Contains("column messages.list.element.content of row group 1", results[^1].Fault!.Reason);
        Assert.Equal(11, results[^1].Fault!.Location.Line);
    }

    private static (Apache.Arrow.Field, Apache.Arrow.IArrowArray) Ids(int count) => ParquetSamples.Texts("id", Enumerable.Range(0, count).Select(row => $"{row}"));

    private static (Apache.Arrow.Field, Apache.Arrow.IArrowArray) Dialogues(int count) => ParquetSamples.Messages(
        [.. Enumerable.Range(0, count).Select(row => new (string, string?)[] { ("user", $"q{row}"), ("assistant", row == 7 ? null : $"ä{row}") })]);
}

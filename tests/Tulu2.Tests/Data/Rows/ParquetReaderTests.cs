using Parquet.Serialization;
using Tulu2.Data.Rows;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class ParquetReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Rows_of_all_row_groups_are_read_in_order_with_their_numbers()
    {
        var rows = Enumerable.Range(0, 25).Select(number => new Row
        {
            dataset = "p",
            id = $"{number}",
            messages = [new() { role = "user", content = $"q{number}" }, new() { role = "assistant", content = number == 7 ? null : $"ä{number}" }],
        }).ToList();
        var path = folder.File("rows.parquet");
        await ParquetSerializer.SerializeAsync(rows, path, new() { RowGroupSize = 10 });

        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal(25, results.Count);
        Assert.Contains("messages[1] has no content", results[7].Fault!.Reason);
        Assert.Equal(8, results[7].Fault!.Location.Line);
        Assert.Equal("ä24", results[24].Row!.Messages[1].Content);
        Assert.Equal(new RowLocation(path, 25), results[24].Row!.Location);

        var zipped = folder.File("rows.parquet.gz");
        await using (var zip = new System.IO.Compression.GZipStream(File.Create(zipped), System.IO.Compression.CompressionLevel.Fastest))
            await zip.WriteAsync(await File.ReadAllBytesAsync(path));
        Assert.Equal(24, RowReader.ReadMessages(zipped).Count(result => result.Row is not null));
    }

    [Fact]
    public async Task Preference_strings_are_read_from_parquet()
    {
        var path = folder.File("pairs.parquet");
        await ParquetSerializer.SerializeAsync([new Pair { prompt = "a", chosen = "b", rejected = "c", score = 1.5 }], path);
        Assert.Equal("c", Assert.Single(RowReader.ReadPreferences(path)).Row!.Rejected[1].Content);
    }

    // Names as they stand in the files.
#pragma warning disable IDE1006
    private sealed class Row
    {
        public string? dataset { get; set; }
        public string? id { get; set; }
        public List<Turn>? messages { get; set; }
    }

    private sealed class Turn
    {
        public string? role { get; set; }
        public string? content { get; set; }
    }

    private sealed class Pair
    {
        public string? prompt { get; set; }
        public string? chosen { get; set; }
        public string? rejected { get; set; }
        public double score { get; set; }
    }
#pragma warning restore IDE1006
}

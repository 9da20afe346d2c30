using System.Text;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;
using ZstdSharp;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Files packed with Zstandard: read as they are, and no row is taken from a damaged one that may be wrong.</summary>
public sealed class ZstdTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Frames_one_after_another_are_read_like_the_plain_file()
    {
        var path = folder.WriteBytes("rows.jsonl.zst", [.. Pack(Lines(0, 50)), .. Pack(Lines(50, 50))]);
        Assert.Equal(Enumerable.Range(0, 100).Select(number => $"a{number}"), RowReader.ReadMessages(path).Select(result => result.Row!.Messages[1].Content));
        Assert.Equal(RowKind.Messages, RowKinds.Of(path));
    }

    [Fact]
    public void Of_a_file_that_breaks_off_no_cut_row_is_taken_and_the_damage_is_the_last_fault()
    {
        var packed = Pack(Lines(0, 5000));
        for (var length = 5; length < packed.Length; length += packed.Length / 40)
        {
            var results = RowReader.ReadMessages(folder.WriteBytes("cut.zst", packed[..length])).ToList();
            Assert.Equal(RowFaultKind.DamagedFile, results[^1].Fault!.Kind);
            Assert.Equal(Enumerable.Range(0, results.Count - 1).Select(number => $"a{number}"), results.SkipLast(1).Select(result => result.Row!.Messages[1].Content));
        }
    }

    [Fact]
    public void A_wrong_byte_leaves_no_row_that_is_not_in_the_file()
    {
        var packed = Pack(Lines(0, 500));
        var random = new Random(5);
        for (var input = 0; input < 200; input++)
        {
            var wrong = packed.ToArray();
            wrong[4 + random.Next(wrong.Length - 4)] ^= (byte)(1 << random.Next(8));
            var results = RowReader.ReadMessages(folder.WriteBytes("wrong.zst", wrong)).ToList();
            // One bit of the frame's head may be a flag without effect.
            if (results.TrueForAll(result => result.Row is not null)) Assert.Equal(500, results.Count);
            else Assert.Equal(RowFaultKind.DamagedFile, Assert.Single(results).Fault!.Kind);
        }
    }

    [Fact]
    public void What_follows_the_last_frame_is_damage() =>
        Assert.Equal(RowFaultKind.DamagedFile, RowReader.ReadMessages(folder.WriteBytes("more.zst", [.. Pack(Lines(0, 3)), 1, 2, 3, 4, 5])).Last().Fault!.Kind);

    [Fact]
    public void A_directory_stands_for_the_files_of_rows_below_it()
    {
        Directory.CreateDirectory(Path.Combine(folder.Root, "data", "part=1"));
        foreach (var name in new[] { "data/b.jsonl.zst", "data/part=1/a.parquet", "data/info.json", "data/read.me" }) folder.Write(name, "x");
        Assert.Equal(["b.jsonl.zst", "a.parquet"], FilePatterns.ExpandRows(folder.File("data")).Select(Path.GetFileName));
        Directory.CreateDirectory(folder.File("none"));
        Assert.Contains("without a file of rows", Assert.Throws<BadInputException>(() => FilePatterns.ExpandRows(folder.File("none"))).What);
    }

    private static string Lines(int first, int count) => string.Concat(Enumerable.Range(first, count).Select(number =>
        $$$"""{"messages":[{"role":"user","content":"q{{{number}}}"},{"role":"assistant","content":"a{{{number}}}"}]}""" + "\n"));

    private static byte[] Pack(string text)
    {
        using var compressor = new Compressor();
        compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return compressor.Wrap(Encoding.UTF8.GetBytes(text)).ToArray();
    }
}

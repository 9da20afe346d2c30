using System.IO.Compression;
using System.Text;
using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class ForeignContentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, byte[]> ForeignEverywhere => new()
    {
        { "a Git LFS pointer", Encoding.ASCII.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 13476925163\n") },
        { "a web page", Encoding.UTF8.GetBytes("\uFEFF\n<!DOCTYPE html><html><head><title>Sign in</title>") },
        { "an XML document", Encoding.ASCII.GetBytes("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>") },
        { "UTF-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("{\"messages\": []}")).ToArray() },
        { "bzip2 data", [.. "BZh91AY&SY"u8, 1, 2, 3] },
        { "xz data", [0xFD, .. "7zXZ"u8, 0, 0, 4] },
        { "LZ4 data", [0x04, 0x22, 0x4D, 0x18, 0x64] },
        { "a tar archive", [.. new byte[257], .. "ustar\0"u8, .. new byte[300]] },
        { "an Arrow file", [.. "ARROW1\0\0"u8, 1, 2, 3] },
        { "an Arrow stream", [0xFF, 0xFF, 0xFF, 0xFF, 0x08, 0, 0, 0, .. new byte[64]] },
        { "a PyTorch file in the form from before", [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E] },
        { "a Python pickle", [0x80, 4, 0x95, 3, 0, 0, 0, 0, 0, 0, 0, 0x5D, 0x94, 0x2E] },
        { "a GGUF file", [.. "GGUF"u8, 3, 0, 0, 0] },
        { "the file is empty", [] },
    };

    [Theory]
    [MemberData(nameof(ForeignEverywhere))]
    public void Known_content_is_named_whatever_the_file_is_wanted_for(string name, byte[] content)
    {
        var path = _folder.WriteBytes("file", content);
        foreach (var use in Enum.GetValues<FileUse>())
        {
            var failure = Assert.Throws<BadInputException>(() => ForeignContent.Refuse(path, use));
            Assert.Equal(path, failure.Where);
            Assert.Contains(name, failure.What);
            Assert.NotEmpty(failure.Fix);
        }
    }

    [Theory]
    [InlineData(FileUse.Rows, "{\"messages\": [{\"role\": \"user\"")]
    [InlineData(FileUse.Rows, "{\"conversations\": [{\"from\": \"human\"")]
    [InlineData(FileUse.Rows, "[{\"prompt\": ")]
    [InlineData(FileUse.Rows, "{\"data\": \"a field\", \"messages\": []}")]
    [InlineData(FileUse.Rows, "\n\n{\"dataset\": \"<html>\"}")]
    [InlineData(FileUse.Json, "{\"data\": [{}]}")]
    [InlineData(FileUse.Yaml, "objective: sft\n")]
    [InlineData(FileUse.SentencePiece, "\n\u000e\n\u0005<unk>\u0015")]
    public void What_a_reader_can_read_is_left_to_it(FileUse use, string content) => ForeignContent.Refuse(_folder.Write("file", content), use);

    [Theory]
    [InlineData(FileUse.Rows, "{\"data\": [{\"messages\": []}]}", "its key 'data'")]
    [InlineData(FileUse.Rows, "{\n  \"rows\" : [\n  {", "its key 'rows'")]
    [InlineData(FileUse.SentencePiece, " {\"version\": \"1.0\"", "is JSON")]
    [InlineData(FileUse.Json, "\n\u000e\n\u0005<unk>\u0015", "a SentencePiece model")]
    public void A_form_at_the_wrong_place_is_named(FileUse use, string content, string named) =>
        Assert.Contains(named, Assert.Throws<BadInputException>(() => ForeignContent.Refuse(_folder.Write("file", content), use)).What);

    [Fact]
    public void Gzip_and_Parquet_are_rows_and_nothing_else()
    {
        foreach (var content in (byte[][])[TemporaryFolder.Gzip("{}"), [.. "PAR1"u8, 0x15, 4]])
        {
            var path = _folder.WriteBytes("file", content);
            ForeignContent.Refuse(path, FileUse.Rows);
            foreach (var use in Enum.GetValues<FileUse>().Where(use => use != FileUse.Rows))
                Assert.Throws<BadInputException>(() => ForeignContent.Refuse(path, use));
        }
    }

    [Fact]
    public void A_pointer_says_how_large_its_file_is() =>
        Assert.Contains("13,476,925,163 bytes", ForeignContent.Of("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 13476925163\n"u8, 130, FileUse.Json)!.Value.What);

    [Fact]
    public void A_zip_of_torch_is_told_from_another_one()
    {
        Assert.Contains("a zip archive", Assert.Throws<BadInputException>(() => ForeignContent.Refuse(_folder.WriteBytes("rows.zip", Zip("rows.jsonl")), FileUse.Rows)).What);
        var path = _folder.WriteBytes("pytorch_model.bin", Zip("pytorch_model/data.pkl"));
        ForeignContent.Refuse(path, FileUse.TorchWeights);
        Assert.Contains("torch.save", Assert.Throws<BadInputException>(() => ForeignContent.Refuse(path, FileUse.Safetensors)).What);
    }

    [Fact]
    public void The_length_field_of_a_safetensors_file_is_not_taken_for_a_signature()
    {
        // 640 is 0x0280, which is how a pickle begins; 35615 is 0x8B1F, gzip.
        foreach (var length in (long[])[640, 35615, 0xFEFF])
            ForeignContent.Refuse(_folder.WriteBytes("model.safetensors", [.. BitConverter.GetBytes(length), .. "{\"a\":"u8]), FileUse.Safetensors);
    }

    [Fact]
    public void What_is_no_file_at_all_is_named()
    {
        Assert.Contains("a directory", Assert.Throws<BadInputException>(() => ForeignContent.Refuse(_folder.Root, FileUse.Rows)).What);
        Assert.Contains("no such file", Assert.Throws<BadInputException>(() => ForeignContent.Refuse(_folder.File("none"), FileUse.Rows)).What);
        File.CreateSymbolicLink(_folder.File("link"), "../blobs/1234");
        Assert.Contains("a link to ../blobs/1234", Assert.Throws<BadInputException>(() => ForeignContent.Refuse(_folder.File("link"), FileUse.Rows)).What);
    }

    [Property(MaxTest = 500)]
    public void Any_bytes_are_judged_without_a_crash(byte[] head, long length)
    {
        foreach (var use in Enum.GetValues<FileUse>()) _ = ForeignContent.Of(head, Math.Abs(length), use);
    }

    private static byte[] Zip(string name)
    {
        var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open())
            entry.Write([0x80, 2, 0x7D, 0x2E]);
        return memory.ToArray();
    }
}

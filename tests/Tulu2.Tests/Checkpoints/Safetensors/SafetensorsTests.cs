using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints.Safetensors;

public sealed unsafe class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_laid_out_as_the_reference_implementation_does()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(
            stream, [Tensor("a", "F32", [2], 1, 2, 3, 4, 5, 6, 7, 8), Tensor("b", "I8", [3, 1], 9, 10, 11)], new Dictionary<string, string> { ["format"] = "pt" });
        var bytes = stream.ToArray();
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, (8 + header) % 8);
        Assert.Equal(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3,1],"data_offsets":[8,11]}}""",
            Encoding.UTF8.GetString(bytes, 8, header).TrimEnd(' '));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], bytes[(8 + header)..]);

        var path = _folder.File("a.safetensors");
        File.WriteAllBytes(path, bytes);
        using var file = new SafetensorsFile(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([3L, 1L], file.Entries["b"].Shape);
        Assert.Equal(10, file.Address(file.Entries["b"])[1]);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "1 byte of no tensor after the last one")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "4 bytes of no tensor before tensor a")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "needs 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "tensor b overlaps")]
    [InlineData("""{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}""", 2, "tensor a occurs twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "tensor a has impossible offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "tensor a has impossible offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 8, "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "header cannot be read")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}""", 0, "header cannot be read")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "header cannot be read")]
    [InlineData("""{"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}}""", 8, "header cannot be read")]
    [InlineData("""{"a":""", 8, "header cannot be read")]
    [InlineData("""[]""", 0, "header cannot be read")]
    [InlineData("", 0, "header cannot be read")]
    public void A_header_that_is_not_sound_is_an_error_that_names_the_file(string header, int dataBytes, string what)
    {
        var path = Write(header, header.Length, dataBytes);
        var failure = Assert.Throws<BadInputException>(() => new SafetensorsFile(path));
        Assert.Equal(path, failure.Where);
        Assert.Contains(what, failure.What);
        Assert.NotEmpty(failure.Fix);
    }

    [Theory]
    [InlineData(9L)]
    [InlineData(200_000_000L)]
    [InlineData(long.MaxValue)]
    [InlineData(-1L)]
    public void A_header_larger_than_the_file_is_named(long claimed)
    {
        var failure = Assert.Throws<BadInputException>(() => new SafetensorsFile(Write("{}", claimed, 0)));
        Assert.Contains("its header says it is", failure.What);
    }

    [Fact]
    public void A_missing_and_an_empty_file_are_named()
    {
        Assert.Contains("no such file", Assert.Throws<BadInputException>(() => new SafetensorsFile(_folder.File("none"))).What);
        var path = _folder.File("empty.safetensors");
        File.WriteAllBytes(path, []);
        Assert.Contains("0 bytes", Assert.Throws<BadInputException>(() => new SafetensorsFile(path)).What);
    }

    [Fact]
    public void Tensors_beyond_two_gibibytes_are_found()
    {
        const long far = 2_400_000_000;
        var header = $$$"""{"far":{"dtype":"U8","shape":[8],"data_offsets":[{{{far}}},{{{far + 8}}}]},"first":{"dtype":"U8","shape":[{{{far}}}],"data_offsets":[0,{{{far}}}]}}""";
        var path = Write(header, header.Length, 0);
        // A hole in the file: no disk is used.
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Write))
        {
            stream.SetLength(8 + header.Length + far + 8);
            stream.Position = 8 + header.Length + far;
            stream.Write([1, 2, 3, 4, 5, 6, 7, 8]);
        }
        using var file = new SafetensorsFile(path);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], new ReadOnlySpan<byte>(file.Address(file.Entries["far"]), 8).ToArray());
    }

    [Fact]
    public void Every_half_and_brain_float_is_read_and_written_back_exactly()
    {
        var words = Enumerable.Range(0, 65536).Select(word => (ushort)word).ToArray();
        foreach (var type in new[] { "F16", "BF16" })
        {
            var floats = new float[words.Length];
            fixed (ushort* source = words) SafetensorsTypes.ToSingle(type, (byte*)source, floats);
            var back = new ushort[words.Length];
            SafetensorsTypes.FromSingle(type, floats, MemoryMarshal.AsBytes(back.AsSpan()));
            for (var word = 0; word < words.Length; word++)
                Assert.True(back[word] == word || float.IsNaN(floats[word]), $"{type} {word:x4} became {back[word]:x4}");
            Assert.All(words.Where(word => float.IsNaN(floats[word])), word => Assert.True(type == "F16" ? Half.IsNaN(BitConverter.UInt16BitsToHalf(back[word])) : (back[word] & 0x7fff) > 0x7f80));
        }
    }

    [Theory]
    [InlineData(0x3f808000u, 0x3f80)]
    [InlineData(0x3f808001u, 0x3f81)]
    [InlineData(0x3f818000u, 0x3f82)]
    [InlineData(0x7f7fffffu, 0x7f80)]
    [InlineData(0xbf808001u, 0xbf81)]
    public void Brain_floats_round_to_nearest_even(uint bits, int expected)
    {
        var bytes = new byte[2];
        SafetensorsTypes.FromSingle("BF16", [BitConverter.UInt32BitsToSingle(bits)], bytes);
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16LittleEndian(bytes));
    }

    [Fact]
    public void A_tensor_that_writes_too_little_is_an_error() =>
        Assert.Throws<IOException>(() => SafetensorsWriter.Write(new MemoryStream(), [Tensor("a", "F32", [2], 1, 2, 3)], new Dictionary<string, string>()));

    private static SafetensorsTensor Tensor(string name, string type, long[] shape, params byte[] bytes) => new(name, type, shape, stream => stream.Write(bytes));

    private string Write(string header, long claimed, int dataBytes)
    {
        var bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, claimed);
        Encoding.UTF8.GetBytes(header, bytes.AsSpan(8));
        var path = _folder.File("broken.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}

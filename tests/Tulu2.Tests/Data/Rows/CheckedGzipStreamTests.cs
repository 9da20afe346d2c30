using System.Security.Cryptography;
using Tulu2.Data.Rows;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class CheckedGzipStreamTests
{
    [Fact]
    public void Whole_data_of_every_packed_length_comes_out_unchanged_and_any_cut_is_noticed()
    {
        var random = new Random(5);
        // Lengths around the inner buffer's 8,192 bytes, so that the seam falls on every side of its edge.
        foreach (var length in new[] { 1, 50, 8000 }.Concat(Enumerable.Range(8120, 90)).Append(200_000))
        {
            var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(1 + length * 3 / 4))[..length];
            var packed = TemporaryFolder.Gzip(text);
            Assert.Equal(text, Unpack(packed));
            var cut = random.Next(1, packed.Length);
            Assert.Throws<InvalidDataException>(() => Unpack(packed[..cut]));
        }
    }

    [Fact]
    public void Several_members_are_read_as_one_and_the_last_one_cut_is_noticed()
    {
        byte[] two = [.. TemporaryFolder.Gzip("first "), .. TemporaryFolder.Gzip("second, which is longer")];
        Assert.Equal("first second, which is longer", Unpack(two));
        for (var cut = two.Length - 1; cut > TemporaryFolder.Gzip("first ").Length; cut--)
            Assert.Throws<InvalidDataException>(() => Unpack(two[..cut]));
    }

    private static string Unpack(byte[] packed)
    {
        using var reader = new StreamReader(new CheckedGzipStream(new MemoryStream(packed)));
        return reader.ReadToEnd();
    }
}

using System.Security.Cryptography;
using System.Text;
using Tulu2.Data.Rows.Records;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class CheckedGzipStreamTests
{
    private static readonly byte[] First = TemporaryFolder.Gzip("first "), Second = TemporaryFolder.Gzip("second, which is longer");

    [Fact]
    public void Whole_data_comes_out_unchanged_and_what_comes_out_of_cut_data_is_its_beginning()
    {
        var random = new Random(5);
        foreach (var length in new[] { 1, 50, 8000, 200_000 })
        {
            var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(1 + length * 3 / 4))[..length];
            var packed = TemporaryFolder.Gzip(text);
            Assert.Equal(text, Unpack(packed).Text);
            foreach (var cut in new[] { 1, 9, packed.Length - 9, packed.Length - 8, packed.Length - 1, random.Next(1, packed.Length) })
            {
                var (read, damage) = Unpack(packed[..cut]);
                Assert.StartsWith(read, text);
                Assert.Equal(read.Length, damage!.Trusted);
                Assert.Contains("breaks off", damage.Message);
            }
        }
    }

    [Fact]
    public void Several_members_are_read_as_one_and_the_last_one_cut_is_noticed()
    {
        byte[] two = [.. First, .. Second];
        Assert.Equal("first second, which is longer", Unpack(two).Text);
        for (var cut = two.Length - 1; cut > First.Length; cut--) Assert.NotNull(Unpack(two[..cut]).Damage);
    }

    [Fact]
    public void Zero_bytes_may_stand_behind_the_last_member_and_nothing_else_may()
    {
        byte[] two = [.. First, .. Second];
        Assert.Equal(("first second, which is longer", null), Unpack([.. two, .. new byte[512]]));
        foreach (var behind in new byte[][] { [1], [0, 0, 1], [0x1f, 0], "text"u8.ToArray(), [.. new byte[9], .. First] })
        {
            var (text, damage) = Unpack([.. two, .. behind]);
            Assert.Equal("first second, which is longer", text);
            Assert.Equal(text.Length, damage!.Trusted);
            Assert.Contains($"from byte {two.Length + 1} ", damage.Message);
        }
    }

    [Fact]
    public void Of_a_member_with_a_wrong_byte_nothing_is_trusted_and_all_of_the_members_before_it()
    {
        for (var at = First.Length; at < First.Length + Second.Length; at++)
            foreach (var bit in new[] { 1, 0x80 })
            {
                byte[] two = [.. First, .. Second];
                two[at] ^= (byte)bit;
                var (text, damage) = Unpack(two);
                // Some bits of a member, the time in its head say, mean nothing for what it holds.
                if (damage is null) Assert.Equal("first second, which is longer", text);
                else Assert.True(damage.Trusted == "first ".Length || damage.Message.Contains("breaks off", StringComparison.Ordinal));
            }
    }

    [Fact]
    public void A_head_with_name_comment_extra_field_and_checksum_is_read()
    {
        byte[] head = [0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7, (byte)'n', 0, (byte)'c', 0];
        var sum = System.IO.Hashing.Crc32.HashToUInt32(head) & 0xffff;
        byte[] packed = [.. head, (byte)sum, (byte)(sum >> 8), .. First[10..]];
        Assert.Equal("first ", Unpack(packed).Text);
        packed[14] ^= 1;
        Assert.Contains("head", Unpack(packed).Damage!.Message);
    }

    private static (string Text, PackedDamageException? Damage) Unpack(byte[] packed)
    {
        using var stream = new CheckedGzipStream(new MemoryStream(packed));
        var read = new MemoryStream();
        var buffer = new byte[777];
        try
        {
            int count;
            while ((count = stream.Read(buffer, 0, buffer.Length)) > 0) read.Write(buffer, 0, count);
            return (Encoding.UTF8.GetString(read.ToArray()), null);
        }
        catch (PackedDamageException damage)
        {
            return (Encoding.UTF8.GetString(read.ToArray()), damage);
        }
    }
}

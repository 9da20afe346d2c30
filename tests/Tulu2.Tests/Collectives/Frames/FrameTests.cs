using FsCheck.Xunit;
using Tulu2.Collectives.Frames;
using Xunit;

namespace Tulu2.Tests.Collectives.Frames;

public sealed class FrameTests
{
    private const ulong Seed = 0x5EED;

    [Fact]
    public void A_header_has_exactly_these_bytes()
    {
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameKind.Message, 0x01020304, 5, 6, 7, 8).Write(bytes, Seed);
        Assert.Equal("32750400040302010500000000000000060000000000000007000000000000000800000000000000975828a4f14cd009", Convert.ToHexStringLower(bytes));
    }

    [Property(MaxTest = 300)]
    public void A_header_is_read_as_it_was_written(long generation, long sequence, long argument, uint length, ulong checksum)
    {
        var header = new FrameHeader(FrameKind.Result, (int)(length % (FrameHeader.MaxPayload + 1)), generation, sequence, argument, checksum);
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes, Seed);
        Assert.Equal(FrameFault.None, FrameHeader.Read(bytes, Seed, generation, sequence, out var read));
        Assert.Equal(header, read);
    }

    [Property(MaxTest = 300)]
    public void Random_bytes_are_not_a_header(byte[] bytes, int seed)
    {
        var source = new byte[FrameHeader.Size];
        new Random(seed).NextBytes(source);
        bytes.AsSpan(0, Math.Min(bytes.Length, source.Length)).CopyTo(source);
        Assert.Equal(FrameFault.CorruptHeader, FrameHeader.Read(source, Seed, 1, 0, out _));
    }

    [Fact]
    public void Any_flipped_bit_is_detected()
    {
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameKind.Copy, 100, 3, 7, 11, 13).Write(bytes, Seed);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(FrameFault.CorruptHeader, FrameHeader.Read(bytes, Seed, 3, 7, out _));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Equal(FrameFault.None, FrameHeader.Read(bytes, Seed, 3, 7, out _));
    }

    [Fact]
    public void A_valid_header_in_the_wrong_position_is_refused_with_its_fault()
    {
        Assert.Equal(FrameFault.OutOfOrder, Read(new FrameHeader(FrameKind.Copy, 8, 3, 6, 0, 0)));
        Assert.Equal(FrameFault.OutOfOrder, Read(new FrameHeader(FrameKind.Copy, 8, 3, 8, 0, 0)));
        Assert.Equal(FrameFault.WrongGeneration, Read(new FrameHeader(FrameKind.Copy, 8, 2, 7, 0, 0)));
        Assert.Equal(FrameFault.Oversized, Read(new FrameHeader(FrameKind.Copy, FrameHeader.MaxPayload + 1, 3, 7, 0, 0)));
        Assert.Equal(FrameFault.Oversized, Read(new FrameHeader(FrameKind.Copy, -1, 3, 7, 0, 0)));
        Assert.Equal(FrameFault.CorruptHeader, Read(new FrameHeader((FrameKind)99, 8, 3, 7, 0, 0)));
        Assert.Equal(FrameFault.None, Read(new FrameHeader(FrameKind.Copy, 8, 3, 7, 0, 0)));

        // A frame of another connection: the same bytes, another seed.
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameKind.Copy, 8, 3, 7, 0, 0).Write(bytes, Seed + 1);
        Assert.Equal(FrameFault.CorruptHeader, FrameHeader.Read(bytes, Seed, 3, 7, out _));
    }

    private static FrameFault Read(FrameHeader header)
    {
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes, Seed);
        return FrameHeader.Read(bytes, Seed, 3, 7, out _);
    }
}

using FsCheck.Xunit;
using Tulu2.Collectives.Wire;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

public sealed class FrameTests
{
    private const ulong Seed = 0x5EED;

    [Property(MaxTest = 300)]
    public void A_header_is_read_as_it_was_written(long generation, long sequence, long argument, uint length, ulong checksum)
    {
        var header = new FrameHeader(FrameKind.Result, (int)(length % (FrameHeader.MaxPayload + 1)), generation, sequence, argument, checksum);
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes, Seed);
        Assert.Equal(WireFault.None, FrameHeader.Read(bytes, Seed, generation, sequence, out var read));
        Assert.Equal(header, read);
    }

    [Property(MaxTest = 300)]
    public void Random_bytes_are_no_header(byte[] bytes, int seed)
    {
        var source = new byte[FrameHeader.Size];
        new Random(seed).NextBytes(source);
        bytes.AsSpan(0, Math.Min(bytes.Length, source.Length)).CopyTo(source);
        Assert.Equal(WireFault.CorruptHeader, FrameHeader.Read(source, Seed, 1, 0, out _));
    }

    [Fact]
    public void Any_flipped_bit_is_found()
    {
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameKind.Copy, 100, 3, 7, 11, 13).Write(bytes, Seed);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(WireFault.CorruptHeader, FrameHeader.Read(bytes, Seed, 3, 7, out _));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Equal(WireFault.None, FrameHeader.Read(bytes, Seed, 3, 7, out _));
    }

    [Fact]
    public void A_sound_header_in_the_wrong_place_is_refused_by_name()
    {
        Assert.Equal(WireFault.OutOfOrder, Read(new FrameHeader(FrameKind.Copy, 8, 3, 6, 0, 0)));
        Assert.Equal(WireFault.OutOfOrder, Read(new FrameHeader(FrameKind.Copy, 8, 3, 8, 0, 0)));
        Assert.Equal(WireFault.WrongGeneration, Read(new FrameHeader(FrameKind.Copy, 8, 2, 7, 0, 0)));
        Assert.Equal(WireFault.Oversized, Read(new FrameHeader(FrameKind.Copy, FrameHeader.MaxPayload + 1, 3, 7, 0, 0)));
        Assert.Equal(WireFault.Oversized, Read(new FrameHeader(FrameKind.Copy, -1, 3, 7, 0, 0)));
        Assert.Equal(WireFault.CorruptHeader, Read(new FrameHeader((FrameKind)99, 8, 3, 7, 0, 0)));
        Assert.Equal(WireFault.None, Read(new FrameHeader(FrameKind.Copy, 8, 3, 7, 0, 0)));

        // Of another connection: the same bytes, another seed.
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameKind.Copy, 8, 3, 7, 0, 0).Write(bytes, Seed + 1);
        Assert.Equal(WireFault.CorruptHeader, FrameHeader.Read(bytes, Seed, 3, 7, out _));
    }

    private static WireFault Read(FrameHeader header)
    {
        var bytes = new byte[FrameHeader.Size];
        header.Write(bytes, Seed);
        return FrameHeader.Read(bytes, Seed, 3, 7, out _);
    }
}

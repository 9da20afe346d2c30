using ZstdSharp;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// Unpacks Zstandard (RFC 8878). Frames have to be complete, to match their checksums where they have any (as those of the zstd program do), and nothing else may
/// follow the last one.
/// </summary>
internal sealed class CheckedZstdStream(Stream file) : ForwardStream(new DecompressionStream(file, checkEndOfStream: true, leaveOpen: false))
{
    private long _unpacked;

    /// <exception cref="PackedDamageException">The file is damaged at this point.</exception>
    public override int Read(byte[] target, int offset, int count)
    {
        try
        {
            var given = Source.Read(target, offset, count);
            _unpacked += given;
            return given;
        }
        catch (EndOfStreamException)
        {
            // What was unpacked before the cut is right, although the checksum that would prove it is missing.
            throw new PackedDamageException("the zstd data breaks off where the file ends", _unpacked, 0);
        }
        catch (ZstdException)
        {
            // A wrong byte can stand long before the byte where it is noticed.
            throw new PackedDamageException("the zstd data is damaged, or its checksum is wrong, or something follows its end", 0, 0);
        }
    }
}

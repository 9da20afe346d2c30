using ICSharpCode.SharpZipLib.Zip.Compression;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// Unpacks gzip (RFC 1952) and accounts for every byte of the file: each member must be complete and match its length and checksum, and only zero bytes may
/// follow the last one. Nothing after a member's end is ever decoded. GZipStream does not do: it ends without an error where the data breaks off, and reports
/// neither where a member ends nor what follows the last one.
/// </summary>
internal sealed class CheckedGzipStream(Stream file) : ForwardStream(file)
{
    private readonly GzipInput input = new(file);
    private readonly Inflater inflater = new(noHeader: true);
    private readonly System.IO.Hashing.Crc32 checksum = new();
    private long memberStart;
    private long memberLength;
    private long unpacked;
    private long verified;
    private bool inMember;
    private bool ended;

    /// <exception cref="PackedDamageException">The file is damaged at this point.</exception>
    public override int Read(byte[] target, int offset, int count)
    {
        if (count == 0) return 0;
        while (!ended)
        {
            if (!inMember && !BeginMember()) break;
            var given = Inflate(target, offset, count);
            if (given > 0) return given;
            EndMember();
        }
        ended = true;
        return 0;
    }

    private bool BeginMember()
    {
        memberStart = input.Position;
        switch (GzipMember.Begin(input))
        {
            case GzipMember.Start.Member:
                break;
            case GzipMember.Start.End:
                return false;
            case GzipMember.Start.BreaksOff:
                throw BreaksOff();
            case GzipMember.Start.Foreign:
                throw Untrusted($"bytes that are not gzip data follow its end, from byte {memberStart + 1:N0} of the file on");
            default:
                throw Untrusted($"the head of the gzip member at byte {memberStart + 1:N0} of the file is damaged");
        }
        inflater.Reset();
        checksum.Reset();
        memberLength = 0;
        return inMember = true;
    }

    /// <returns>0 at the member's end.</returns>
    private int Inflate(byte[] target, int offset, int count)
    {
        while (true)
        {
            int given;
            try
            {
                given = inflater.Inflate(target, offset, count);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // Any error of the decoder means damaged data.
                throw Damaged();
            }
            if (given > 0)
            {
                checksum.Append(target.AsSpan(offset, given));
                memberLength += given;
                unpacked += given;
                return given;
            }
            if (inflater.IsFinished)
            {
                input.GiveBack(inflater.RemainingInput);
                return 0;
            }
            if (!inflater.IsNeedingInput) throw Damaged();
            if (!input.TryTake(out var chunk)) throw BreaksOff();
            inflater.SetInput(chunk.Array, chunk.Offset, chunk.Count);
        }
    }

    private void EndMember()
    {
        Span<byte> tail = stackalloc byte[8];
        foreach (ref var one in tail)
            if (!input.TryNext(out one)) throw BreaksOff();
        if (BitConverter.ToUInt32(tail) != checksum.GetCurrentHashAsUInt32())
            throw Untrusted($"the checksum of the gzip member at byte {memberStart + 1:N0} of the file is wrong");
        if (BitConverter.ToUInt32(tail[4..]) != (uint)memberLength)
            throw Untrusted($"the gzip member at byte {memberStart + 1:N0} of the file does not have the length that it names");
        verified = unpacked;
        inMember = false;
    }

    private PackedDamageException Damaged() => Untrusted($"the gzip data is damaged before byte {input.Position:N0} of the file");

    // The bytes of a file that was cut off are right up to the cut, although the checksum that would prove it is missing.
    private PackedDamageException BreaksOff() => new($"the gzip data breaks off at byte {input.Position:N0}, where the file ends", unpacked, verified);

    // A wrong byte can stand long before the byte where it is noticed: nothing of its member can be trusted.
    private PackedDamageException Untrusted(string what) => new(what, verified, verified);
}

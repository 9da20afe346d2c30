using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Network;

/// <summary>Who connects to whom, for what.</summary>
/// <param name="Size">Ranks of the generation.</param>
/// <param name="MayShare">The connecting end would use shared memory.</param>
internal readonly record struct Hello(long Generation, int Size, int From, int To, Lane Lane, bool MayShare);

/// <summary>What the listening end has decided.</summary>
internal enum Verdict : byte
{
    Accepted = 1,

    /// <summary>The generation has not begun here yet: try again.</summary>
    NotYet,
    OldGeneration,
    WrongRank,
    Superfluous,
}

/// <summary>
/// The bytes before the first frame. The connecting end says who it is and draws a number; the listening end draws one too and proves that it knows the run's key; the
/// connecting end proves the same; the listening end gives its verdict, with the name of a shared file if it offers one; the connecting end says whether it could open
/// it. Each proof is an HMAC-SHA256 over its own word, the whole hello and the listening end's number, so that none can be used for anything else or a second
/// time. All messages have a fixed size.
/// </summary>
internal static class Handshake
{
    public const int HelloSize = 80, ChallengeSize = 64, ProofSize = 32, VerdictSize = 128, ReplySize = 33;
    public const int NumberSize = 32, TokenSize = 16, MaxPath = 78;

    private static ReadOnlySpan<byte> Magic => "tulu2dp1"u8;

    public static byte[] WriteHello(Hello hello, ReadOnlySpan<byte> number)
    {
        var bytes = new byte[HelloSize];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), hello.Generation);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), hello.Size);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), hello.From);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), hello.To);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(28), hello.Lane.Group);
        bytes[36] = (byte)hello.Lane.Purpose;
        bytes[37] = hello.MayShare ? (byte)1 : (byte)0;
        number.CopyTo(bytes.AsSpan(HelloSize - NumberSize));
        return bytes;
    }

    public static bool TryReadHello(ReadOnlySpan<byte> bytes, out Hello hello)
    {
        hello = default;
        if (bytes.Length != HelloSize || !bytes.StartsWith(Magic) || bytes[36] > (byte)LanePurpose.Messages || bytes[37] > 1) return false;
        hello = new Hello(BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            new Lane(BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]), (LanePurpose)bytes[36]), bytes[37] == 1);
        return hello.Lane.Purpose == LanePurpose.Control ? hello.Lane == Lane.Control : true;
    }

    public static byte[] WriteChallenge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number) => [.. number, .. Proof(key, "listener", hello, number)];

    public static bool IsChallenge(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello) =>
        bytes.Length == ChallengeSize && IsProof(bytes[NumberSize..], key, "listener", hello, bytes[..NumberSize]);

    public static byte[] WriteProof(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number) => Proof(key, "connector", hello, number);

    public static bool IsProof(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number) =>
        IsProof(bytes, key, "connector", hello, number);

    /// <param name="path">Of the shared file offered; null: none.</param>
    /// <param name="token">What stands in that file.</param>
    public static byte[] WriteVerdict(Verdict verdict, string? path, ReadOnlySpan<byte> token, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number)
    {
        var bytes = new byte[VerdictSize];
        bytes[0] = (byte)verdict;
        if (path is not null)
        {
            bytes[1] = (byte)Encoding.ASCII.GetBytes(path, bytes.AsSpan(2, MaxPath));
            token.CopyTo(bytes.AsSpan(2 + MaxPath, TokenSize));
        }
        Proof(key, "verdict", hello, number, bytes.AsSpan(0, VerdictSize - 32)).CopyTo(bytes.AsSpan(VerdictSize - 32));
        return bytes;
    }

    public static bool TryReadVerdict(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number,
        out Verdict verdict, out string? path, out byte[] token)
    {
        (verdict, path, token) = (default, null, []);
        if (bytes.Length != VerdictSize || !IsProof(bytes[^32..], key, "verdict", hello, number, bytes[..^32])) return false;
        verdict = (Verdict)bytes[0];
        if (!Enum.IsDefined(verdict) || bytes[1] > MaxPath) return false;
        if (bytes[1] > 0) (path, token) = (Encoding.ASCII.GetString(bytes.Slice(2, bytes[1])), bytes.Slice(2 + MaxPath, TokenSize).ToArray());
        return true;
    }

    public static byte[] WriteReply(bool shares, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number)
    {
        byte[] said = [shares ? (byte)1 : (byte)0];
        return [.. said, .. Proof(key, "reply", hello, number, said)];
    }

    public static bool TryReadReply(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number, out bool shares)
    {
        shares = false;
        if (bytes.Length != ReplySize || bytes[0] > 1 || !IsProof(bytes[1..], key, "reply", hello, number, bytes[..1])) return false;
        shares = bytes[0] == 1;
        return true;
    }

    /// <summary>What the checksums of this connection's frames begin with.</summary>
    public static ulong Seed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number) =>
        BinaryPrimitives.ReadUInt64LittleEndian(Proof(key, "frames", hello, number));

    private static bool IsProof(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, string word, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number, ReadOnlySpan<byte> more = default) =>
        CryptographicOperations.FixedTimeEquals(bytes, Proof(key, word, hello, number, more));

    private static byte[] Proof(ReadOnlySpan<byte> key, string word, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> number, ReadOnlySpan<byte> more = default) =>
        HMACSHA256.HashData(key, [.. Encoding.ASCII.GetBytes(word.PadRight(16)), .. hello, .. number, .. more]);
}

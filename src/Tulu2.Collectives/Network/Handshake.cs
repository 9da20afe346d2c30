using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Network;

/// <summary>The identity of a connection: which rank connects to which, in which generation, for which link.</summary>
/// <param name="Size">Number of ranks in the generation.</param>
/// <param name="MayShare">The connecting end can use shared memory.</param>
internal readonly record struct Hello(long Generation, int Size, int From, int To, LinkKey Link, bool MayShare);

/// <summary>The listening end's decision.</summary>
internal enum Verdict : byte
{
    Accepted = 1,

    /// <summary>The generation has not begun at this rank yet; the connecting end tries again.</summary>
    NotYet,
    OldGeneration,
    WrongRank,
    Superfluous,
}

/// <summary>
/// The messages before the first frame, all of fixed size:
/// hello (connector: identity and a nonce), challenge (listener: a nonce, and proof that it knows the run's key), proof (connector: the same),
/// verdict (listener: its decision, with the path and token of a shared segment if it offers one), reply (connector: whether it opened the segment).
/// Each proof is an HMAC-SHA256 over the message's own label, the whole hello and the listener's nonce, so it cannot be replayed or used for another message.
/// </summary>
internal static class Handshake
{
    public const int HelloSize = 80, ChallengeSize = 64, ProofSize = 32, VerdictSize = 128, ReplySize = 33;
    public const int NonceSize = 32, TokenSize = 16, MaxPath = 78;

    private static ReadOnlySpan<byte> Magic => "tulu2dp1"u8;

    public static byte[] WriteHello(Hello hello, ReadOnlySpan<byte> nonce)
    {
        var bytes = new byte[HelloSize];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), hello.Generation);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), hello.Size);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), hello.From);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), hello.To);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(28), hello.Link.Group);
        bytes[36] = (byte)hello.Link.Purpose;
        bytes[37] = hello.MayShare ? (byte)1 : (byte)0;
        nonce.CopyTo(bytes.AsSpan(HelloSize - NonceSize));
        return bytes;
    }

    public static bool TryReadHello(ReadOnlySpan<byte> bytes, out Hello hello)
    {
        hello = default;
        if (bytes.Length != HelloSize || !bytes.StartsWith(Magic) || bytes[36] > (byte)LinkPurpose.Messages || bytes[37] > 1) return false;
        hello = new Hello(BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            new LinkKey(BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]), (LinkPurpose)bytes[36]), bytes[37] == 1);
        return hello.Link.Purpose != LinkPurpose.Control || hello.Link == LinkKey.Control;
    }

    public static byte[] WriteChallenge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce) =>
        [.. nonce, .. Proof(key, "listener", hello, nonce)];

    public static bool IsChallenge(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello) =>
        bytes.Length == ChallengeSize && IsProof(bytes[NonceSize..], key, "listener", hello, bytes[..NonceSize]);

    public static byte[] WriteProof(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce) => Proof(key, "connector", hello, nonce);

    public static bool IsProof(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce) =>
        IsProof(bytes, key, "connector", hello, nonce);

    /// <param name="path">Path of the shared segment offered; null for none.</param>
    /// <param name="token">The token stored in the segment.</param>
    public static byte[] WriteVerdict(Verdict verdict, string? path, ReadOnlySpan<byte> token,
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce)
    {
        var bytes = new byte[VerdictSize];
        bytes[0] = (byte)verdict;
        if (path is not null)
        {
            bytes[1] = (byte)Encoding.ASCII.GetBytes(path, bytes.AsSpan(2, MaxPath));
            token.CopyTo(bytes.AsSpan(2 + MaxPath, TokenSize));
        }
        Proof(key, "verdict", hello, nonce, bytes.AsSpan(0, VerdictSize - 32)).CopyTo(bytes.AsSpan(VerdictSize - 32));
        return bytes;
    }

    public static bool TryReadVerdict(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce,
        out Verdict verdict, out string? path, out byte[] token)
    {
        (verdict, path, token) = (default, null, []);
        if (bytes.Length != VerdictSize || !IsProof(bytes[^32..], key, "verdict", hello, nonce, bytes[..^32])) return false;
        verdict = (Verdict)bytes[0];
        if (!Enum.IsDefined(verdict) || bytes[1] > MaxPath) return false;
        if (bytes[1] > 0) (path, token) = (Encoding.ASCII.GetString(bytes.Slice(2, bytes[1])), bytes.Slice(2 + MaxPath, TokenSize).ToArray());
        return true;
    }

    public static byte[] WriteReply(bool shares, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce)
    {
        byte[] answer = [shares ? (byte)1 : (byte)0];
        return [.. answer, .. Proof(key, "reply", hello, nonce, answer)];
    }

    public static bool TryReadReply(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce, out bool shares)
    {
        shares = false;
        if (bytes.Length != ReplySize || bytes[0] > 1 || !IsProof(bytes[1..], key, "reply", hello, nonce, bytes[..1])) return false;
        shares = bytes[0] == 1;
        return true;
    }

    /// <summary>The seed of the frame checksums of this connection.</summary>
    public static ulong Seed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce) =>
        BinaryPrimitives.ReadUInt64LittleEndian(Proof(key, "frames", hello, nonce));

    private static bool IsProof(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> key, string label, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> more = default) =>
        CryptographicOperations.FixedTimeEquals(bytes, Proof(key, label, hello, nonce, more));

    private static byte[] Proof(ReadOnlySpan<byte> key, string label, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> more = default) =>
        HMACSHA256.HashData(key, [.. Encoding.ASCII.GetBytes(label.PadRight(16)), .. hello, .. nonce, .. more]);
}

using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Network;

namespace Tulu2.Benchmarks;

/// <summary>
/// A fuzzing target: feeds standard input to all code that reads a peer's bytes, and ends with an exception (a non-zero exit code) if that code does anything but
/// refuse or accept them. Run as <c>Tulu2.Benchmarks fuzz-frames &lt; input</c>; with afl-fuzz and SharpFuzz, instrument Tulu2.Collectives.dll and use this as the
/// command. If the first byte is odd, headers in the input get correct checksums, so that the code behind the checksum test is reached too.
/// </summary>
internal static unsafe class FrameFuzz
{
    private const ulong Seed = 1;

    public static void Run(Stream input)
    {
        using var memory = new MemoryStream();
        input.CopyTo(memory);
        Feed(memory.ToArray());
    }

    private static void Feed(byte[] bytes)
    {
        FeedHandshake(bytes);
        if (bytes.Length == 0) return;
        var frames = bytes.AsSpan(1).ToArray();
        if (bytes[0] % 2 == 1) CorrectChecksums(frames);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        peer.Connect(listener.LocalEndPoint!);
        using var link = new TcpLink(listener.Accept(), 1, 0, Seed);
        var sending = Task.Run(() =>
        {
            try { peer.Send(frames); }
            catch (SocketException) { }
            peer.Shutdown(SocketShutdown.Send);
        });
        try
        {
            while (true)
            {
                if (!link.TryReadHeader(out var header)) continue;
                if (header.Length > FrameHeader.MaxPayload) throw new InvalidOperationException("an oversized frame was let through");
                while (!link.TryHold(out _)) ;
                link.Release();
            }
        }
        catch (LinkFaultException) { }
        peer.Close();
        sending.Wait();
    }

    private static void FeedHandshake(byte[] bytes)
    {
        byte[] key = new byte[32], hello = new byte[Handshake.HelloSize], nonce = new byte[Handshake.NonceSize];
        foreach (var size in new[] { Handshake.HelloSize, Handshake.ChallengeSize, Handshake.ProofSize, Handshake.VerdictSize, Handshake.ReplySize, bytes.Length })
        {
            var part = bytes.AsSpan(0, Math.Min(size, bytes.Length));
            _ = Handshake.TryReadHello(part, out _);
            if (Handshake.IsChallenge(part, key, hello) || Handshake.IsProof(part, key, hello, nonce) || Handshake.TryReadReply(part, key, hello, nonce, out _)
                || Handshake.TryReadVerdict(part, key, hello, nonce, out _, out _, out _))
                throw new InvalidOperationException("a proof was guessed");
        }
        _ = LinkKey.TryRead(bytes, out _);
    }

    private static void CorrectChecksums(Span<byte> frames)
    {
        for (long sequence = 0; frames.Length >= FrameHeader.Size; sequence++)
        {
            var length = BitConverter.ToInt32(frames[4..]) % (FrameHeader.MaxPayload + 2);
            var payload = frames[FrameHeader.Size..Math.Min(frames.Length, FrameHeader.Size + Math.Max(0, length))];
            new FrameHeader((FrameKind)(1 + frames[2] % 8), length, 0, sequence, BitConverter.ToInt64(frames[24..]), FrameHeader.Checksum(payload, Seed)).Write(frames, Seed);
            frames = frames[(FrameHeader.Size + payload.Length)..];
        }
    }
}

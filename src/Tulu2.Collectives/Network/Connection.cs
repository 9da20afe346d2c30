using System.Net.Sockets;
using System.Security.Cryptography;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.SharedMemory;
using Tulu2.Collectives.Tcp;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Network;

/// <summary>A connection was not made.</summary>
/// <param name="refusal">Null: the other end is not ready, or not there; it is worth trying again.</param>
internal sealed class RefusedException(Refusal? refusal, string reason) : IOException(reason)
{
    public Refusal? Refusal { get; } = refusal;
}

/// <summary>Both ends of the handshake over a connected socket; each ends with a link, or with an exception and the socket as it is.</summary>
internal sealed class Connection(Socket socket, ReadOnlyMemory<byte> key, CancellationToken cancellation)
{
    /// <summary>The end that connects.</summary>
    public async Task<Link> ConnectAsync(Hello hello)
    {
        var said = Handshake.WriteHello(hello, RandomNumberGenerator.GetBytes(Handshake.NumberSize));
        await SendAsync(said).ConfigureAwait(false);
        var challenge = await ReceiveAsync(Handshake.ChallengeSize).ConfigureAwait(false);
        if (!Handshake.IsChallenge(challenge, key.Span, said)) throw new RefusedException(Refusal.WrongKey, $"what listens in place of rank {hello.To} does not know the run's key");
        var number = challenge[..Handshake.NumberSize];
        await SendAsync(Handshake.WriteProof(key.Span, said, number)).ConfigureAwait(false);
        var bytes = await ReceiveAsync(Handshake.VerdictSize).ConfigureAwait(false);
        if (!Handshake.TryReadVerdict(bytes, key.Span, said, number, out var verdict, out var path, out var token))
            throw new RefusedException(Refusal.Malformed, $"rank {hello.To} gives no verdict");
        if (verdict != Verdict.Accepted) throw Refused(verdict, hello);
        using var segment = path is null ? null : SharedSegment.TryOpen(path, token);
        await SendAsync(Handshake.WriteReply(segment is not null, key.Span, said, number)).ConfigureAwait(false);
        var seed = Handshake.Seed(key.Span, said, number);
        return segment is null
            ? new TcpLink(socket, hello.To, hello.Generation, seed)
            : new SharedMemoryLink(socket, segment.Take(), hello.To, hello.Generation, seed, isCreator: false);
    }

    /// <summary>The end that listens.</summary>
    /// <param name="judge">What to answer to an end that knows the key.</param>
    /// <param name="take">Takes the link, if it is still wanted.</param>
    public async Task<Hello> ListenAsync(Func<Hello, Verdict> judge, bool mayShare, Func<Hello, Link, bool> take)
    {
        var said = await ReceiveAsync(Handshake.HelloSize).ConfigureAwait(false);
        if (!Handshake.TryReadHello(said, out var hello)) throw new RefusedException(Refusal.Malformed, "its first bytes are no greeting");
        var number = RandomNumberGenerator.GetBytes(Handshake.NumberSize);
        await SendAsync(Handshake.WriteChallenge(key.Span, said, number)).ConfigureAwait(false);
        var proof = await ReceiveAsync(Handshake.ProofSize).ConfigureAwait(false);
        if (!Handshake.IsProof(proof, key.Span, said, number)) throw new RefusedException(Refusal.WrongKey, "it does not know the run's key");
        var verdict = judge(hello);
        if (verdict != Verdict.Accepted)
        {
            await SendAsync(Handshake.WriteVerdict(verdict, null, default, key.Span, said, number)).ConfigureAwait(false);
            throw Refused(verdict, hello);
        }
        using var segment = mayShare && hello.MayShare && hello.Lane != Lane.Control ? SharedSegment.TryCreate() : null;
        await SendAsync(Handshake.WriteVerdict(verdict, segment?.Path, segment is null ? default : segment.Token, key.Span, said, number)).ConfigureAwait(false);
        var reply = await ReceiveAsync(Handshake.ReplySize).ConfigureAwait(false);
        if (!Handshake.TryReadReply(reply, key.Span, said, number, out var shares)) throw new RefusedException(Refusal.Malformed, "its last bytes are no answer");
        var seed = Handshake.Seed(key.Span, said, number);
        Link link = segment is null || !shares
            ? new TcpLink(socket, hello.From, hello.Generation, seed)
            : new SharedMemoryLink(socket, segment.Take(), hello.From, hello.Generation, seed, isCreator: true);
        if (take(hello, link)) return hello;
        link.Dispose();
        throw Refused(Verdict.Superfluous, hello);
    }

    private static RefusedException Refused(Verdict verdict, Hello hello) => verdict switch
    {
        Verdict.NotYet => new RefusedException(null, $"generation {hello.Generation} has not begun at rank {hello.To}"),
        Verdict.OldGeneration => new RefusedException(Refusal.OldGeneration, $"generation {hello.Generation} is over at rank {hello.To}"),
        Verdict.WrongRank => new RefusedException(Refusal.WrongRank, $"rank {hello.From} of {hello.Size} has no connection to make to rank {hello.To}"),
        _ => new RefusedException(Refusal.Superfluous, $"rank {hello.From} needs no further connection to rank {hello.To}"),
    };

    private async Task SendAsync(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;) at += await socket.SendAsync(bytes.AsMemory(at), SocketFlags.None, cancellation).ConfigureAwait(false);
    }

    private async Task<byte[]> ReceiveAsync(int size)
    {
        var bytes = new byte[size];
        for (var at = 0; at < size;)
        {
            var received = await socket.ReceiveAsync(bytes.AsMemory(at), SocketFlags.None, cancellation).ConfigureAwait(false);
            if (received == 0) throw new RefusedException(at == 0 ? null : Refusal.Malformed, "the other end hung up");
            at += received;
        }
        return bytes;
    }
}

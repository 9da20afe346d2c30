using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Network;

/// <summary>A connection was refused.</summary>
/// <param name="refusal">Null if the other end is not ready or not reachable, so that it is worth trying again.</param>
internal sealed class RefusedException(Refusal? refusal, string reason) : IOException(reason)
{
    public Refusal? Refusal { get; } = refusal;
}

/// <summary>Both ends of the handshake over a connected socket. Each ends with a link, or with an exception and the socket left open.</summary>
/// <param name="identity">What makes it a TLS connection; null: it is none.</param>
internal sealed class Connection(Socket socket, ReadOnlyMemory<byte> key, PeerIdentity? identity, CancellationToken cancellation)
{
    private SslStream? _secure;
    private RecordStream? _records;
    private bool _hasHeard;

    /// <summary>The connecting end.</summary>
    public async Task<Link> ConnectAsync(Hello hello)
    {
        await SecureAsync(listens: false).ConfigureAwait(false);
        var sent = Handshake.WriteHello(hello, RandomNumberGenerator.GetBytes(Handshake.NonceSize));
        await SendAsync(sent).ConfigureAwait(false);
        var challenge = await ReceiveAsync(Handshake.ChallengeSize).ConfigureAwait(false);
        if (!Handshake.IsChallenge(challenge, key.Span, sent))
            throw new RefusedException(Refusal.WrongKey, $"the process that listens at the endpoint of rank {hello.To} does not know the run's key");
        var nonce = challenge[..Handshake.NonceSize];
        await SendAsync(Handshake.WriteProof(key.Span, sent, nonce)).ConfigureAwait(false);
        var bytes = await ReceiveAsync(Handshake.VerdictSize).ConfigureAwait(false);
        if (!Handshake.TryReadVerdict(bytes, key.Span, sent, nonce, out var verdict, out var path, out var token))
            throw new RefusedException(Refusal.Malformed, $"rank {hello.To} sent no valid verdict");
        if (verdict != Verdict.Accepted) throw Refused(verdict, hello);
        using var segment = path is null ? null : SharedSegment.TryOpen(path, token);
        await SendAsync(Handshake.WriteReply(segment is not null, key.Span, sent, nonce)).ConfigureAwait(false);
        var seed = Handshake.Seed(key.Span, sent, nonce);
        return segment is null
            ? new TcpLink(socket, hello.To, hello.Generation, seed, TakeChannel())
            : new SharedMemoryLink(socket, segment.Take(), hello.To, hello.Generation, seed, isCreator: false);
    }

    /// <summary>The listening end.</summary>
    /// <param name="judge">Decides about a connecting end that knows the key.</param>
    /// <param name="mayShare">This end can use shared memory.</param>
    /// <param name="add">Adds the link if it is still needed.</param>
    public async Task<Hello> ListenAsync(Func<Hello, Verdict> judge, bool mayShare, Func<Hello, Link, bool> add)
    {
        await SecureAsync(listens: true).ConfigureAwait(false);
        var received = await ReceiveAsync(Handshake.HelloSize).ConfigureAwait(false);
        if (!Handshake.TryReadHello(received, out var hello)) throw new RefusedException(Refusal.Malformed, "its first bytes are not a hello");
        var nonce = RandomNumberGenerator.GetBytes(Handshake.NonceSize);
        await SendAsync(Handshake.WriteChallenge(key.Span, received, nonce)).ConfigureAwait(false);
        var proof = await ReceiveAsync(Handshake.ProofSize).ConfigureAwait(false);
        if (!Handshake.IsProof(proof, key.Span, received, nonce)) throw new RefusedException(Refusal.WrongKey, "it does not know the run's key");
        var verdict = judge(hello);
        if (verdict != Verdict.Accepted)
        {
            await SendAsync(Handshake.WriteVerdict(verdict, null, default, key.Span, received, nonce)).ConfigureAwait(false);
            throw Refused(verdict, hello);
        }
        using var segment = mayShare && hello.MayShare && hello.Link != LinkKey.Control ? SharedSegment.TryCreate() : null;
        var answer = Handshake.WriteVerdict(verdict, segment?.Path, segment is null ? default : segment.Token, key.Span, received, nonce);
        await SendAsync(answer).ConfigureAwait(false);
        var reply = await ReceiveAsync(Handshake.ReplySize).ConfigureAwait(false);
        if (!Handshake.TryReadReply(reply, key.Span, received, nonce, out var shares))
            throw new RefusedException(Refusal.Malformed, "its last bytes are not a reply");
        var seed = Handshake.Seed(key.Span, received, nonce);
        Link link = segment is null || !shares
            ? new TcpLink(socket, hello.From, hello.Generation, seed, TakeChannel())
            : new SharedMemoryLink(socket, segment.Take(), hello.From, hello.Generation, seed, isCreator: true);
        if (add(hello, link)) return hello;
        link.Dispose();
        throw Refused(Verdict.Superfluous, hello);
    }

    private static RefusedException Refused(Verdict verdict, Hello hello) => verdict switch
    {
        Verdict.NotYet => new RefusedException(null, $"generation {hello.Generation} has not begun at rank {hello.To}"),
        Verdict.OldGeneration => new RefusedException(Refusal.OldGeneration, $"generation {hello.Generation} is over at rank {hello.To}"),
        Verdict.WrongRank => new RefusedException(Refusal.WrongRank, $"rank {hello.From} of {hello.Size} must not connect to rank {hello.To}"),
        _ => new RefusedException(Refusal.Superfluous, $"rank {hello.From} needs no further connection to rank {hello.To}"),
    };

    private async Task SecureAsync(bool listens)
    {
        if (identity is not null) (_secure, _records) = await TlsHandshake.BeginAsync(socket, identity, listens, cancellation).ConfigureAwait(false);
    }

    // Ranks that share memory go on without: their bytes on the connection carry nothing, and do not leave the host.
    private TlsChannel? TakeChannel()
    {
        if (_secure is null) return null;
        _records!.StopWaiting();
        return new TlsChannel(_secure, _records);
    }

    private async Task SendAsync(byte[] bytes)
    {
        if (_secure is not null)
        {
            await _secure.WriteAsync(bytes, cancellation).ConfigureAwait(false);
            return;
        }
        for (var at = 0; at < bytes.Length;) at += await socket.SendAsync(bytes.AsMemory(at), SocketFlags.None, cancellation).ConfigureAwait(false);
    }

    private async Task<byte[]> ReceiveAsync(int size)
    {
        var bytes = new byte[size];
        for (var at = 0; at < size;)
        {
            var received = await ReceiveAsync(bytes.AsMemory(at)).ConfigureAwait(false);
            if (received == 0) throw Closed(at);
            at += received;
            _hasHeard = true;
        }
        return bytes;
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> target)
    {
        if (_secure is null) return await socket.ReceiveAsync(target, SocketFlags.None, cancellation).ConfigureAwait(false);
        try
        {
            return await _secure.ReadAsync(target, cancellation).ConfigureAwait(false);
        }
        catch (Exception closed) when (closed is IOException or SocketException)
        {
            // By an alert of TLS, which says no more, or by a reset.
            return 0;
        }
    }

    // An end that listens decides about the certificate after the other one has gone on.
    private RefusedException Closed(int at) => (_secure, _hasHeard, at) switch
    {
        (not null, false, 0) => new RefusedException(Refusal.WrongCertificate, "the other end closed the connection: it may refuse this node's certificate"),
        (_, _, 0) => new RefusedException(null, "the other end closed the connection"),
        _ => new RefusedException(Refusal.Malformed, "the other end closed the connection"),
    };
}

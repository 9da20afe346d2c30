using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Network;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>A rank whose connections a test controls, down to the single byte.</summary>
internal sealed class FakePeer(string endpoint, byte[] key, PeerIdentity? identity = null) : IDisposable
{
    private readonly List<Socket> _sockets = [];

    public Socket Open()
    {
        var at = Endpoint.Parse(endpoint);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets.Add(socket);
        socket.Connect(IPAddress.Parse(at.Host), at.Port);
        return socket;
    }

    /// <summary>A complete handshake, repeated until the other end accepts it.</summary>
    public async Task<(Socket Socket, TcpLink Link)> ConnectAsync(Hello hello)
    {
        while (true)
        {
            var socket = Open();
            try { return (socket, (TcpLink)await new Connection(socket, key, identity, CancellationToken.None).ConnectAsync(hello)); }
            catch (RefusedException early) when (early.Refusal is null) { await Task.Delay(5); }
        }
    }

    public static Hello Control(long generation, int size, int from, int to) => new(generation, size, from, to, LinkKey.Control, MayShare: false);

    public static Hello Calls(long generation, int from, int to, params int[] ranks) =>
        Control(generation, ranks.Length, from, to) with { Link = new LinkKey(LinkKey.HashOf(ranks), LinkPurpose.Calls) };

    /// <summary>Resets all connections, as the kernel does when a process is killed.</summary>
    public void Die()
    {
        foreach (var socket in _sockets)
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
    }
}

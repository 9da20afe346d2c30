using System.Net;
using System.Net.Sockets;

namespace Tulu2.Collectives.Measurement;

/// <summary>As many plain loopback connections as ranks, each with a thread that sends and one that receives: what sockets allow, with nothing around them.</summary>
internal sealed class LoopbackCopies : IDisposable
{
    private const int PieceBytes = 128 * 1024;

    private readonly long _bytes;
    private readonly (Socket From, Socket To)[] _pairs;
    private readonly AllReduceBenchmark.Crew _crew;

    /// <param name="bytes">Through each connection.</param>
    public LoopbackCopies(int connections, long bytes)
    {
        _bytes = bytes;
        _pairs = [.. Enumerable.Range(0, connections).Select(_ => Connect())];
        _crew = new AllReduceBenchmark.Crew(2 * connections);
    }

    public double Time() => _crew.Time(member =>
    {
        var buffer = new byte[PieceBytes];
        var (from, to) = _pairs[member / 2];
        for (var left = _bytes; left > 0;)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, left));
            left -= member % 2 == 0 ? from.Send(piece) : to.Receive(piece);
        }
    });

    public void Dispose()
    {
        _crew.Dispose();
        foreach (var (from, to) in _pairs)
        {
            from.Dispose();
            to.Dispose();
        }
    }

    private static (Socket From, Socket To) Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var from = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        from.Connect(listener.LocalEndPoint!);
        return (from, listener.Accept());
    }
}

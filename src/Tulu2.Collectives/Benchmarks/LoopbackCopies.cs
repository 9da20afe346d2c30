using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Benchmarks;

/// <summary>One plain loopback connection per rank, each with a sending and a receiving thread: the speed of sockets without the data plane.</summary>
internal sealed unsafe class LoopbackCopies : IDisposable
{
    private const int PieceBytes = 128 * 1024;

    private readonly long _bytes, _bufferBytes;
    private readonly nint[]? _sources, _results;
    private readonly (Socket From, Socket To)[] _pairs;
    private readonly ThreadTeam _team;

    /// <summary>With default socket options, repeatedly from one small piece of memory to another: the most that sockets can do.</summary>
    /// <param name="bytes">Bytes through each connection.</param>
    public LoopbackCopies(int connections, long bytes)
    {
        _bytes = bytes;
        _pairs = [.. Enumerable.Range(0, connections).Select(_ => Connect())];
        _team = new ThreadTeam(2 * connections);
    }

    /// <summary>With the data plane's socket options, from the source buffer of each rank to the result buffer of the next.</summary>
    /// <param name="bufferBytes">Bytes of each buffer; transfers wrap around at its end.</param>
    /// <param name="bytes">Bytes through each connection.</param>
    public LoopbackCopies(nint[] sources, nint[] results, long bufferBytes, long bytes) : this(sources.Length, bytes)
    {
        (_sources, _results, _bufferBytes) = (sources, results, bufferBytes);
        foreach (var (from, to) in _pairs)
        {
            SocketSettings.Apply(from);
            SocketSettings.Apply(to);
        }
    }

    /// <summary>Seconds until all bytes are through all connections.</summary>
    public double Time() => _team.Time(member =>
    {
        var buffer = _sources is null ? new byte[PieceBytes] : [];
        var (from, to) = _pairs[member / 2];
        var memory = member % 2 == 0 ? _sources?[member / 2] : _results?[(member / 2 + 1) % _pairs.Length];
        for (var at = 0L; at < _bytes;)
        {
            var count = (int)Math.Min(PieceBytes, _bytes - at);
            var within = memory is null ? 0 : at % _bufferBytes;
            var piece = memory is { } address ? new Span<byte>((byte*)address + within, (int)Math.Min(count, _bufferBytes - within)) : buffer.AsSpan(0, count);
            at += member % 2 == 0 ? from.Send(piece) : to.Receive(piece);
        }
    });

    public void Dispose()
    {
        _team.Dispose();
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

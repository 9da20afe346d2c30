using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives.Tcp;

namespace Tulu2.Collectives.Measurement;

/// <summary>As many plain loopback connections as ranks, each with a thread that sends and one that receives: what sockets allow, with nothing around them.</summary>
internal sealed unsafe class LoopbackCopies : IDisposable
{
    private const int PieceBytes = 128 * 1024;

    private readonly long _bytes, _bufferBytes;
    private readonly nint[]? _sources, _results;
    private readonly (Socket From, Socket To)[] _pairs;
    private readonly AllReduceBenchmark.Crew _crew;

    /// <summary>With the system's own settings, over and over from one small piece of memory to another: all that sockets can do.</summary>
    /// <param name="bytes">Through each connection.</param>
    public LoopbackCopies(int connections, long bytes)
    {
        _bytes = bytes;
        _pairs = [.. Enumerable.Range(0, connections).Select(_ => Connect())];
        _crew = new AllReduceBenchmark.Crew(2 * connections);
    }

    /// <summary>With the data plane's settings, from the memory of one rank to that of the next.</summary>
    /// <param name="bufferBytes">Of each rank's memory; a little over and over where more is moved.</param>
    public LoopbackCopies(nint[] sources, nint[] results, long bufferBytes, long bytes) : this(sources.Length, bytes)
    {
        (_sources, _results, _bufferBytes) = (sources, results, bufferBytes);
        foreach (var (from, to) in _pairs)
        {
            SocketSettings.Apply(from);
            SocketSettings.Apply(to);
        }
    }

    public double Time() => _crew.Time(member =>
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

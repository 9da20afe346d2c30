using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Exchanges;

/// <summary>Sends and receives unchanged bytes to and from several ranks.</summary>
internal sealed class CopyExchange : Exchange
{
    private sealed class Flow
    {
        public nint Address;
        public long Bytes;
        public long At;
        public Func<long, nint>? Allocate;
        public bool IsDone = true;
        public bool Flushed = true;
    }

    private readonly FrameKind _kind;
    private readonly Flow[] _out, _in;

    public CopyExchange(LinkedGeneration generation, Link?[] links, FrameKind kind = FrameKind.Copy) : base(generation, links)
    {
        _kind = kind;
        _out = Flows();
        _in = Flows();

        Flow[] Flows() => [.. links.Select(_ => new Flow())];
    }

    /// <summary>Sends a buffer; an empty one is a frame too.</summary>
    public void Send(int index, nint address, long bytes) =>
        (_out[index].Address, _out[index].Bytes, _out[index].IsDone, _out[index].Flushed) = (address, bytes, false, false);

    /// <summary>Receives a buffer whose size both ends know.</summary>
    public void Receive(int index, nint address, long bytes) => (_in[index].Address, _in[index].Bytes, _in[index].IsDone) = (address, bytes, false);

    /// <summary>Receives a buffer whose size the other end chooses.</summary>
    /// <param name="allocate">From the number of bytes, where to put them; throws if there are too many.</param>
    public void Receive(int index, Func<long, nint> allocate) => (_in[index].Allocate, _in[index].IsDone) = (allocate, false);

    protected override bool IsDone => Array.TrueForAll(_in, flow => flow.IsDone) && Array.TrueForAll(_out, flow => flow.Flushed);

    protected override bool WantsInput(int index) => !_in[index].IsDone;

    protected override bool WantsOutput(int index) => !_out[index].Flushed;

    protected override bool Advance()
    {
        var progress = false;
        for (var index = 0; index < Links.Length; index++)
        {
            if (Links[index] is not { } link) continue;
            progress |= Send(link, _out[index]) | Receive(link, _in[index]);
        }
        return progress;
    }

    private bool Send(Link link, Flow flow)
    {
        if (flow.Flushed) return false;
        var progress = false;
        while (!flow.IsDone)
        {
            var bytes = (int)Math.Min(FrameHeader.MaxPayload, flow.Bytes - flow.At);
            if (!link.TrySend(_kind, flow.Address + (nint)flow.At, bytes, flow.Bytes)) return progress;
            flow.At += bytes;
            flow.IsDone = flow.At >= flow.Bytes;
            progress = true;
        }
        flow.Flushed = link.TryFlush();
        return progress | flow.Flushed;
    }

    private bool Receive(Link link, Flow flow)
    {
        var progress = false;
        while (!flow.IsDone && link.TryReadHeader(out var header))
        {
            if (flow.Allocate is { } allocate && header.Kind == _kind)
            {
                (flow.Bytes, flow.Allocate) = (header.Argument, null);
                flow.Address = allocate(flow.Bytes);
            }
            Expect(link, header, _kind, Math.Min(FrameHeader.MaxPayload, flow.Bytes - flow.At), flow.Bytes);
            if (!link.TryReceive(flow.Address + (nint)flow.At)) break;
            flow.At += header.Length;
            flow.IsDone = flow.At >= flow.Bytes;
            progress = true;
        }
        return progress;
    }
}

using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>Bytes to and from each of several ranks, as they are.</summary>
internal sealed class CopyExchange : Exchange
{
    private sealed class Flow
    {
        public nint Address;
        public long Bytes;
        public long At;
        public Func<long, nint>? Place;
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

    /// <summary>At least one frame is sent, also for no bytes.</summary>
    public void Give(int index, nint address, long bytes) => (_out[index].Address, _out[index].Bytes, _out[index].IsDone, _out[index].Flushed) = (address, bytes, false, false);

    /// <summary>Takes exactly as many bytes as the other end gives.</summary>
    public void Take(int index, nint address, long bytes) => (_in[index].Address, _in[index].Bytes, _in[index].IsDone) = (address, bytes, false);

    /// <summary>Takes what the other end gives.</summary>
    /// <param name="place">Where to put so many bytes; throws where it will not have them.</param>
    public void Take(int index, Func<long, nint> place) => (_in[index].Place, _in[index].IsDone) = (place, false);

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
            if (flow.Place is { } place && header.Kind == _kind)
            {
                (flow.Bytes, flow.Place) = (header.Argument, null);
                flow.Address = place(flow.Bytes);
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

using System.Buffers;
using System.Diagnostics;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Exchanges;

/// <summary>
/// One rank's sends and receives in one call, over all of its links at once. Every link that can make progress does; the thread waits only when none can.
/// </summary>
/// <param name="links">By rank of the group; null if this call does not need the link.</param>
internal abstract class Exchange(LinkedGeneration generation, Link?[] links)
{
    // A peer that is running answers within this time. No longer, since there may be more ranks than cores.
    private static readonly long SpinTicks = Stopwatch.Frequency / 50_000;

    protected Link?[] Links => links;
    protected LinkedGeneration Generation => generation;

    /// <summary>Does everything possible without waiting. True if there was progress.</summary>
    protected abstract bool Advance();

    protected abstract bool IsDone { get; }
    protected abstract bool WantsInput(int index);
    protected abstract bool WantsOutput(int index);

    /// <exception cref="CollectiveAbortedException"/>
    /// <exception cref="TimeoutException"/>
    public void Run(Deadline deadline)
    {
        var entries = ArrayPool<NativeSocket.PollEntry>.Shared.Rent(links.Length);
        try
        {
            var idleSince = 0L;
            while (true)
            {
                generation.ThrowIfEnded();
                var progress = Advance();
                if (IsDone) return;
                if (progress)
                {
                    idleSince = 0;
                    continue;
                }
                var now = Stopwatch.GetTimestamp();
                if (idleSince == 0) idleSince = now;
                if (now - idleSince < SpinTicks)
                {
                    Thread.SpinWait(10);
                    continue;
                }
                if (deadline.IsOver) throw generation.EndAtDeadline(deadline);
                Wait(entries, deadline);
            }
        }
        catch (LinkFaultException fault)
        {
            throw generation.EndByFault(fault);
        }
        finally
        {
            ArrayPool<NativeSocket.PollEntry>.Shared.Return(entries);
        }
    }

    private void Wait(NativeSocket.PollEntry[] entries, Deadline deadline)
    {
        var count = 0;
        var ready = false;
        for (var index = 0; index < links.Length; index++)
        {
            if (links[index] is not { } link) continue;
            bool input = WantsInput(index), output = WantsOutput(index);
            if (!input && !output) continue;
            ready |= !link.Arm(input, output, out var events);
            entries[count++] = new NativeSocket.PollEntry { Handle = link.Handle, Events = events };
        }
        if (!ready) NativeSocket.Poll(entries.AsSpan(0, count), deadline.LeftMilliseconds);
        count = 0;
        for (var index = 0; index < links.Length; index++)
        {
            if (links[index] is not { } link) continue;
            bool input = WantsInput(index), output = WantsOutput(index);
            if (input || output) link.Disarm(input, output, entries[count++].Returned != 0);
        }
    }

    /// <summary>Checks that a frame is the one expected next.</summary>
    protected static void Expect(Link link, in FrameHeader header, FrameKind kind, long bytes, long argument)
    {
        if (header.Kind != kind || header.Length != bytes || header.Argument != argument) throw new LinkFaultException(link.Peer, FrameFault.Unexpected);
    }
}

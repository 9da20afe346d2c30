using System.Buffers;
using System.Diagnostics;
using Tulu2.Collectives.Tcp;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>What one rank sends and receives in one call, over all of its links at once: whatever can go on goes on, and only when nothing can the thread waits.</summary>
/// <param name="links">By rank of the group; null where this call needs none.</param>
internal abstract class Exchange(LinkedGeneration generation, Link?[] links)
{
    // A peer that is at work answers within this time; ranks may be more than cores, so no longer.
    private static readonly long SpinTicks = Stopwatch.Frequency / 50_000;

    protected Link?[] Links => links;
    protected LinkedGeneration Generation => generation;

    /// <summary>Does what can be done without waiting. True: something was done.</summary>
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
                if (deadline.IsOver) throw generation.EndAtDeadline(deadline.Allowed);
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

    /// <summary>Holds a frame against what has to come next.</summary>
    protected static void Expect(Link link, in FrameHeader header, FrameKind kind, long bytes, long argument)
    {
        if (header.Kind != kind || header.Length != bytes || header.Argument != argument) throw new LinkFaultException(link.Peer, WireFault.Unexpected);
    }
}

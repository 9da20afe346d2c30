using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>
/// One connection between two ranks of a generation, for the calls of one group. Frames arrive in the order in which they were sent. No method waits; a caller
/// that can make no progress on any of its links arms them and waits for their handles. Not thread-safe, except <see cref="Shutdown"/>.
/// Every method throws <see cref="LinkFaultException"/> once the connection is of no more use.
/// </summary>
internal abstract class Link(int peer) : IDisposable
{
    /// <summary>The other end's rank in the generation.</summary>
    public int Peer => peer;

    /// <summary>Tells the other end's watching thread that there is room again.</summary>
    public Action? TellRoom { get; set; }

    /// <summary>Room for one frame in the transport's memory; false: there is none now. <see cref="Commit"/> sends it.</summary>
    public abstract bool TryReserve(int bytes, out nint room);

    /// <summary>Sends what was written to the reserved room.</summary>
    public abstract void Commit(FrameKind kind, int bytes, long argument);

    /// <summary>Takes one frame to send; false: not now. The memory stays as it is until <see cref="TryFlush"/> returns true.</summary>
    public abstract bool TrySend(FrameKind kind, nint address, int bytes, long argument);

    /// <summary>Whether all that was taken has left the caller's memory.</summary>
    public abstract bool TryFlush();

    /// <summary>Takes what is still in the caller's memory into memory of its own, so that the caller can go.</summary>
    public abstract void Detach();

    /// <summary>The next frame's header, once it is there; the same until the frame is received.</summary>
    public abstract bool TryReadHeader(out FrameHeader header);

    /// <summary>The frame's payload to the caller's memory; true once all of it is there and sound. Called with the same target until then.</summary>
    public abstract bool TryReceive(nint target);

    /// <summary>The frame's payload in the transport's memory, valid until <see cref="Release"/>.</summary>
    public abstract bool TryHold(out nint payload);

    /// <summary>Gives back the memory of the frame held.</summary>
    public abstract void Release();

    /// <summary>What to wait for when there is no progress.</summary>
    public abstract int Handle { get; }

    /// <summary>Prepares to wait on the handle for something to read, or for room to write. False: there is progress to be made now.</summary>
    /// <param name="events">What to wait for on the handle.</param>
    public abstract bool Arm(bool input, bool output, out short events);

    /// <summary>Prepares the thread that watches over the peers to wait for room to write. False: there is room now.</summary>
    /// <param name="events">What to wait for on the handle; 0: the other end will tell by <see cref="FrameKind.Room"/>.</param>
    public abstract bool ArmWatch(out short events);

    /// <summary>After waiting for the same.</summary>
    /// <param name="signalled">The handle has something.</param>
    public abstract void Disarm(bool input, bool output, bool signalled);

    /// <summary>Wakes whoever waits on the handle, at both ends. From any thread.</summary>
    public abstract void Shutdown();

    public abstract void Dispose();
}

/// <summary>A link is of no more use.</summary>
/// <param name="fault">None: the other end is gone.</param>
internal sealed class LinkFaultException(int peer, WireFault fault) : Exception($"link to rank {peer}: {fault}")
{
    public int Peer { get; } = peer;
    public WireFault Fault { get; } = fault;
}

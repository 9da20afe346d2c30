using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Links;

/// <summary>
/// One connection between two ranks of a generation, used by the calls of one group. Frames arrive in the order they were sent. No method waits; a caller that
/// can make no progress on any of its links arms them and waits for their handles. Not thread-safe, except for <see cref="Shutdown"/>. Every method throws <see
/// cref="LinkFaultException"/> once the connection can no longer be used.
/// </summary>
internal abstract class Link(int peer) : IDisposable
{
    /// <summary>The other end's rank in the generation.</summary>
    public int Peer => peer;

    /// <summary>Notifies the other end's watch thread that there is room again.</summary>
    public Action? NotifyRoom { get; set; }

    /// <summary>Reserves room for one frame in the transport's memory; false if there is none now. <see cref="Commit"/> sends it.</summary>
    public abstract bool TryReserve(int bytes, out nint room);

    /// <summary>Sends what was written to the reserved room.</summary>
    public abstract void Commit(FrameKind kind, int bytes, long argument);

    /// <summary>Accepts one frame to send; false if it cannot now. The memory must not change until <see cref="TryFlush"/> returns true.</summary>
    public abstract bool TrySend(FrameKind kind, nint address, int bytes, long argument);

    /// <summary>Whether everything accepted has left the caller's memory.</summary>
    public abstract bool TryFlush();

    /// <summary>Copies what is still in the caller's memory, so that the caller may reuse it.</summary>
    public abstract void Detach();

    /// <summary>The next frame's header, once it has arrived; the same header until the frame is received or released.</summary>
    public abstract bool TryReadHeader(out FrameHeader header);

    /// <summary>
    /// Copies the frame's payload to the caller's memory; true once all of it has arrived and is valid. Until then it is called with the same target.
    /// </summary>
    public abstract bool TryReceive(nint target);

    /// <summary>Gives access to the frame's payload in the transport's memory, valid until <see cref="Release"/>.</summary>
    public abstract bool TryHold(out nint payload);

    /// <summary>Returns the memory of the held frame to the transport.</summary>
    public abstract void Release();

    /// <summary>The file descriptor to wait for when there is no progress.</summary>
    public abstract int Handle { get; }

    /// <summary>Prepares to wait on the handle for input, or for room to write. False if progress is possible now.</summary>
    /// <param name="events">The events to wait for on the handle.</param>
    public abstract bool Arm(bool input, bool output, out short events);

    /// <summary>Prepares the watch thread to wait for room to write. False if there is room now.</summary>
    /// <param name="events">The events to wait for on the handle; 0 if the other end will send <see cref="FrameKind.Room"/> instead.</param>
    public abstract bool ArmWatch(out short events);

    /// <summary>Ends the wait prepared by <see cref="Arm"/> with the same arguments.</summary>
    /// <param name="signalled">The handle had an event.</param>
    public abstract void Disarm(bool input, bool output, bool signalled);

    /// <summary>Wakes any thread waiting on the handle, at both ends. May be called from any thread.</summary>
    public abstract void Shutdown();

    public abstract void Dispose();
}

/// <summary>A link can no longer be used.</summary>
/// <param name="fault"><see cref="FrameFault.None"/> if the other end is gone.</param>
internal sealed class LinkFaultException(int peer, FrameFault fault) : Exception($"link to rank {peer}: {fault}")
{
    public int Peer { get; } = peer;
    public FrameFault Fault { get; } = fault;
}

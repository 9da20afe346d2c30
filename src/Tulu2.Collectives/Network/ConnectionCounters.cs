using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Network;

/// <summary>Why a connection was refused.</summary>
internal enum Refusal
{
    /// <summary>The other end does not know the run's key.</summary>
    WrongKey,

    /// <summary>One end does not take the other's certificate, or has no TLS where the other one has.</summary>
    WrongCertificate,

    /// <summary>The generation it asks for is over.</summary>
    OldGeneration,

    /// <summary>It mistakes this rank for another, is not a rank of the generation, or is not the end that connects.</summary>
    WrongRank,

    /// <summary>It did not complete the handshake in time.</summary>
    HalfOpen,

    /// <summary>Its bytes are not a handshake.</summary>
    Malformed,

    /// <summary>It is already connected, or has more connections than it can need.</summary>
    Superfluous,
}

/// <summary>Connections accepted and refused by a data plane and faults of its peers since it was created. Thread-safe.</summary>
internal sealed class ConnectionCounters
{
    private readonly long[] _refusals = new long[Enum.GetValues<Refusal>().Length];
    private readonly long[] _faults = new long[Enum.GetValues<FrameFault>().Length];
    private long _accepted, _deferred;

    /// <summary>Connections accepted from peers.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Connections told to try again because their generation has not begun at this rank.</summary>
    public long Deferred => Interlocked.Read(ref _deferred);

    /// <summary>Connections refused for a reason.</summary>
    public long Refused(Refusal refusal) => Interlocked.Read(ref _refusals[(int)refusal]);

    /// <summary>Frames with a fault, each of which ended a generation.</summary>
    public long Faults(FrameFault fault) => Interlocked.Read(ref _faults[(int)fault]);

    public void Count(Refusal refusal) => Interlocked.Increment(ref _refusals[(int)refusal]);
    public void Count(FrameFault fault) => Interlocked.Increment(ref _faults[(int)fault]);
    public void CountDeferred() => Interlocked.Increment(ref _deferred);
    public void CountAccepted() => Interlocked.Increment(ref _accepted);
}

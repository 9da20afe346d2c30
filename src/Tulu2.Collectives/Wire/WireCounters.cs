namespace Tulu2.Collectives.Wire;

/// <summary>Why a connection was refused.</summary>
public enum Refusal
{
    /// <summary>The other end does not know the run's key.</summary>
    WrongKey,

    /// <summary>It asks for a generation that is over.</summary>
    OldGeneration,

    /// <summary>It takes this rank for another, names no rank of the generation, or has no business to connect to this one.</summary>
    WrongRank,

    /// <summary>It did not say in time who it is.</summary>
    HalfOpen,

    /// <summary>Its bytes are no handshake.</summary>
    Malformed,

    /// <summary>It is connected already, or has more connections than it can need.</summary>
    Superfluous,
}

/// <summary>What a data plane refused since it was made, by kind. Thread-safe.</summary>
public sealed class WireCounters
{
    private readonly long[] _refusals = new long[Enum.GetValues<Refusal>().Length];
    private readonly long[] _faults = new long[Enum.GetValues<WireFault>().Length];
    private long _accepted;

    /// <summary>Connections that peers made to this end.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Connections that this end did not take.</summary>
    public long Refused(Refusal refusal) => Interlocked.Read(ref _refusals[(int)refusal]);

    /// <summary>Frames that ended a generation.</summary>
    public long Faults(WireFault fault) => Interlocked.Read(ref _faults[(int)fault]);

    internal void Count(Refusal refusal) => Interlocked.Increment(ref _refusals[(int)refusal]);
    internal void Count(WireFault fault) => Interlocked.Increment(ref _faults[(int)fault]);
    internal void CountAccepted() => Interlocked.Increment(ref _accepted);
}

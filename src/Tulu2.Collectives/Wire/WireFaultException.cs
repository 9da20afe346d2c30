namespace Tulu2.Collectives.Wire;

/// <summary>A peer's bytes were unsound, which ended the generation.</summary>
/// <param name="peer">The peer's rank in the generation.</param>
public sealed class WireFaultException(long generation, int peer, WireFault fault)
    : CollectiveAbortedException(generation, $"unsound bytes from rank {peer}: {fault}")
{
    public int Peer { get; } = peer;
    public WireFault Fault { get; } = fault;
}

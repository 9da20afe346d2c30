using System.Collections.Immutable;

namespace Tulu2.Cluster.Messages;

/// <summary>Between the couriers of two nodes.</summary>
internal static class DeliveryProtocol
{
    /// <summary>A message for an actor of the other node. Repeated until <see cref="Received"/> covers it.</summary>
    /// <param name="Stream">Random number of the stream of messages from the sending node to that actor.</param>
    /// <param name="Number">From 1, without gaps.</param>
    /// <param name="To">Path of the actor, with address and uid.</param>
    /// <param name="From">Path of the sender; empty: none.</param>
    /// <param name="Manifest">Manifest of the message in <paramref name="Body"/>.</param>
    public sealed record Letter(long Stream, long Number, string To, string From, string Manifest, ImmutableArray<byte> Body) : IWireMessage;

    /// <summary>The answer: all letters of the stream up to this one have arrived.</summary>
    public sealed record Received(long Stream, long UpTo) : IWireMessage;
}

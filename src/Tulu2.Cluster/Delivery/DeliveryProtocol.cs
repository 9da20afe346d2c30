using System.Collections.Immutable;
using Tulu2.Cluster.Wire;

namespace Tulu2.Cluster.Delivery;

/// <summary>Between the couriers of two nodes.</summary>
internal static class DeliveryProtocol
{
    /// <summary>A message for an actor of the other node. Repeated until <see cref="Received"/> covers it.</summary>
    /// <param name="Stream">All that the sending node has for that actor; drawn anew for each actor.</param>
    /// <param name="Number">From 1, without gaps.</param>
    /// <param name="To">Path of the actor, address and uid included.</param>
    /// <param name="From">Path of the sender; empty: there is none.</param>
    /// <param name="Manifest">Of the message in <paramref name="Body"/>.</param>
    public sealed record Letter(long Stream, long Number, string To, string From, string Manifest, ImmutableArray<byte> Body) : IWireMessage;

    /// <summary>The answer: all letters of the stream up to this one are there.</summary>
    public sealed record Received(long Stream, long UpTo) : IWireMessage;
}

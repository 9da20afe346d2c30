using Tulu2.Collectives;

namespace Tulu2.Training.Communication;

/// <summary>One end of a long message: the other rank, and the bytes in host memory.</summary>
internal readonly record struct MessageEnd(int Rank, nint Address, long Bytes);

/// <summary>Messages of any length between two ranks.</summary>
internal static class LongMessages
{
    // What the transport does not accept at once it copies.
    private const long Piece = 4L << 20;

    /// <summary>
    /// Sends one message and receives another, piece by piece in turn, so that ranks that send to one another in a ring do not wait for one another for ever.
    /// </summary>
    /// <param name="send">Null: nothing is sent.</param>
    /// <param name="receive">Null: nothing is received.</param>
    public static void Exchange(ICollective ranks, MessageEnd? send, MessageEnd? receive, TimeSpan deadline)
    {
        for (var at = 0L; at < Math.Max(send?.Bytes ?? 0, receive?.Bytes ?? 0); at += Piece)
        {
            if (send is { } to && at < to.Bytes) ranks.Send(to.Rank, to.Address + (nint)at, Math.Min(Piece, to.Bytes - at), deadline);
            if (receive is { } from && at < from.Bytes) ranks.Receive(from.Rank, from.Address + (nint)at, Math.Min(Piece, from.Bytes - at), deadline);
        }
    }
}

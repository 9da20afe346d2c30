using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Event;
using MessagePack;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Messages.Encoding;

namespace Tulu2.Cluster.Delivery;

/// <summary>
/// One on each node: delivers messages to actors of other nodes, each once and in order, over a transport that may lose any of them. Stops when the actor that a
/// message is for, or its node, is gone.
/// </summary>
internal sealed class Courier(TimeSpan repeatAfter) : UntypedActor, IWithTimers
{
    public const string Name = "courier";

    private readonly Dictionary<IActorRef, Sending> _sending = [];
    private readonly Dictionary<(IActorRef Courier, long Stream), Receiving> _receiving = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>From an actor of this node, already in its wire form.</summary>
    public sealed record Send(IActorRef To, IActorRef? From, string Manifest, ImmutableArray<byte> Body) : INoSerializationVerificationNeeded;

    private sealed record Sending(long Stream, IActorRef Courier, Outbox<DeliveryProtocol.Letter> Outbox);

    private sealed record Receiving(IActorRef To, Inbox<DeliveryProtocol.Letter> Inbox);

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, repeatAfter / 2);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Send send:
                Post(send);
                break;
            case DeliveryProtocol.Received received:
                foreach (var (to, sending) in _sending.Where(sending => sending.Value.Stream == received.Stream).ToArray())
                    _sending[to] = sending with { Outbox = sending.Outbox.Acknowledge(received.UpTo) };
                break;
            case DeliveryProtocol.Letter letter:
                Take(letter);
                break;
            case Tick:
                Repeat();
                break;
            case Terminated gone:
                _sending.Remove(gone.ActorRef);
                foreach (var (stream, _) in _receiving.Where(each => each.Key.Courier.Equals(gone.ActorRef) || each.Value.To.Equals(gone.ActorRef)).ToArray())
                    _receiving.Remove(stream);
                break;
        }
    }

    private void Post(Send send)
    {
        if (!_sending.TryGetValue(send.To, out var sending))
        {
            // Termination of the actor, or its node, is reported even if it happened before.
            Context.Watch(send.To);
            var courier = ActorPaths.Resolve(Context.System, $"{send.To.Path.Address}{Self.Path.ToStringWithoutAddress()}");
            sending = new Sending(Random.Shared.NextInt64(), courier, new Outbox<DeliveryProtocol.Letter>());
        }
        var from = send.From is null ? "" : ActorPaths.PathOf(Context.System, send.From);
        var letter = new DeliveryProtocol.Letter(
            sending.Stream, sending.Outbox.Latest + 1, ActorPaths.PathOf(Context.System, send.To), from, send.Manifest, send.Body);
        _sending[send.To] = sending with { Outbox = sending.Outbox.Add(letter, Now) };
        sending.Courier.Tell(letter);
    }

    private void Repeat()
    {
        foreach (var (to, sending) in _sending.ToArray())
        {
            var (next, due) = sending.Outbox.Repeat(Now, repeatAfter);
            if (due.IsEmpty) continue;
            _sending[to] = sending with { Outbox = next };
            foreach (var (_, letter) in due) sending.Courier.Tell(letter);
        }
    }

    private void Take(DeliveryProtocol.Letter letter)
    {
        var to = ActorPaths.Resolve(Context.System, letter.To);
        // No actor has that name and uid any more; the sender gets its termination.
        if (to is EmptyLocalActorRef || to.IsNobody()) return;
        var stream = (Sender, letter.Stream);
        if (!_receiving.TryGetValue(stream, out var receiving))
        {
            Context.Watch(Sender);
            receiving = new Receiving(Context.Watch(to), new Inbox<DeliveryProtocol.Letter>());
        }
        var (inbox, due) = receiving.Inbox.Take(letter.Number, letter);
        _receiving[stream] = receiving with { Inbox = inbox };
        foreach (var each in due) Deliver(to, each);
        Sender.Tell(new DeliveryProtocol.Received(letter.Stream, inbox.UpTo));
    }

    private void Deliver(IActorRef to, DeliveryProtocol.Letter letter)
    {
        try
        {
            to.Tell(WireSerializer.Unpack(letter.Manifest, letter.Body.AsMemory()), letter.From.Length == 0 ? ActorRefs.NoSender : ActorPaths.Resolve(Context.System, letter.From));
        }
        catch (Exception unknown) when (unknown is SerializationException or MessagePackSerializationException)
        {
            _log.Warning("{0}", unknown.Message);
        }
    }
}

using FsCheck.Xunit;
using Tulu2.Cluster.Delivery;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Both ends of a stream of messages, by their pure states, over a network that loses, repeats and reorders.</summary>
public sealed class DeliverySpec
{
    private static readonly TimeSpan After = TimeSpan.FromSeconds(1);

    [Property]
    public void Every_message_arrives_once_and_in_order(int seed, byte drawnMessages, byte drawnLoss)
    {
        var random = new Random(seed);
        var (messages, loss) = (drawnMessages % 40, drawnLoss % 60 / 100.0);
        var (outbox, inbox, now, sent) = (new Outbox<int>(), new Inbox<int>(), TimeSpan.Zero, 0);
        var wire = new List<(long Number, int Message)>();
        var acknowledgements = new List<long>();
        var arrived = new List<int>();
        for (var turn = 0; sent < messages || !outbox.IsEmpty; turn++)
        {
            Assert.True(turn < 100_000, "it never ends");
            now += TimeSpan.FromMilliseconds(50);
            if (sent < messages && random.Next(3) == 0)
            {
                outbox = outbox.Add(sent, now);
                wire.Add((outbox.Latest, sent++));
            }
            (outbox, var due) = outbox.Repeat(now, After);
            wire.AddRange(due);
            if (wire.Count > 0 && Draw(wire) is var (number, message))
            {
                (inbox, var given) = inbox.Take(number, message);
                arrived.AddRange(given);
                acknowledgements.Add(inbox.UpTo);
            }
            if (acknowledgements.Count > 0 && Draw(acknowledgements) is { } upTo) outbox = outbox.Acknowledge(upTo);
        }
        Assert.Equal(Enumerable.Range(0, messages), arrived);

        // One of those on their way; sometimes it stays there too, and sometimes it is lost.
        T? Draw<T>(List<T> from) where T : struct
        {
            var at = random.Next(from.Count);
            var drawn = from[at];
            if (random.Next(5) > 0) from.RemoveAt(at);
            return random.NextDouble() < loss ? null : drawn;
        }
    }

    [Fact]
    public void What_is_acknowledged_is_not_sent_again_and_the_rest_not_before_its_time()
    {
        var outbox = new Outbox<string>().Add("one", TimeSpan.Zero).Add("two", TimeSpan.FromSeconds(0.5)).Acknowledge(1);
        Assert.Empty(outbox.Repeat(TimeSpan.FromSeconds(1.4), After).Due);
        var (next, due) = outbox.Repeat(TimeSpan.FromSeconds(1.5), After);
        Assert.Equal((2L, "two"), Assert.Single(due));
        Assert.Empty(next.Repeat(TimeSpan.FromSeconds(2.4), After).Due);
        Assert.True(next.Acknowledge(2).IsEmpty);
    }
}

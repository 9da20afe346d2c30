using FsCheck.Xunit;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Submissions;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>What a run says reaches its submitter whole, over a wire that loses and repeats, and across coordinators.</summary>
public sealed class ReceivedLinesSpec
{
    [Property(MaxTest = 200)]
    public void Each_line_is_received_once_and_in_order_whatever_is_lost_or_repeated(int seed)
    {
        var random = new Random(seed);
        var transcript = new Transcript();
        var (received, heard, said) = (ReceivedLines.Nothing, new List<string>(), 0);
        var wire = new Queue<SubmissionProtocol.Line>();
        for (var round = 0; round < 200 || said > heard.Count; round++)
        {
            // Some are pushed as they are said, all are asked for again and again, and of each message the wire may do what it likes but swap it with another.
            if (round < 200 && random.Next(2) == 0)
            {
                var number = transcript.Add(false, $"line {++said}");
                wire.Enqueue(new SubmissionProtocol.Line("17", "a", number - 1, number, false, $"line {number}"));
            }
            if (random.Next(4) == 0)
                foreach (var line in transcript.Since(received.Source == "a" ? received.Lines : 0))
                    wire.Enqueue(new SubmissionProtocol.Line("17", "a", line.After, line.Number, line.IsError, line.Text));
            while (wire.TryDequeue(out var arriving))
                if (random.Next(3) > 0) Receive(arriving);
        }
        Assert.Equal(Enumerable.Range(1, said).Select(line => $"line {line}"), heard);
        Assert.True(received.IsAll(new SubmissionProtocol.Over("17", said == 0 ? "" : "a", said, 0)));

        void Receive(SubmissionProtocol.Line line)
        {
            var next = received.Add(line);
            if (next != received) heard.Add(line.Text);
            received = next;
        }
    }

    [Fact]
    public void Another_coordinator_is_received_from_its_first_line()
    {
        var received = new ReceivedLines("a", 57);
        Assert.Equal(received, received.Add(new SubmissionProtocol.Line("17", "b", 1, 2, false, "second")));
        Assert.Equal(new ReceivedLines("b", 1), received.Add(new SubmissionProtocol.Line("17", "b", 0, 1, false, "first")));
        Assert.False(received.IsAll(new SubmissionProtocol.Over("17", "b", 1, 0)));
        Assert.True(received.IsAll(new SubmissionProtocol.Over("17", "a", 57, 0)));
    }

    [Fact]
    public void Lines_that_are_kept_no_more_are_passed_over()
    {
        var transcript = new Transcript();
        for (var line = 1; line <= Transcript.Kept + 10; line++) transcript.Add(false, $"{line}");
        var received = new ReceivedLines("a", 5);
        foreach (var line in transcript.Since(received.Lines))
            received = received.Add(new SubmissionProtocol.Line("17", "a", line.After, line.Number, line.IsError, line.Text));
        Assert.Equal(Transcript.Kept, transcript.Since(5).Count());
        Assert.Equal(Transcript.Kept + 10, received.Lines);
    }
}

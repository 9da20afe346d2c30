using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Seeds;

namespace Tulu2.Cluster.Clients;

/// <summary>How following a submitted run ended.</summary>
public abstract record SubmissionEnd
{
    private SubmissionEnd() { }

    /// <summary>The run is over.</summary>
    public sealed record Over(int ExitCode) : SubmissionEnd;

    /// <summary>The submitter was stopped before a coordinator had accepted the run.</summary>
    public sealed record NeverTaken : SubmissionEnd;

    /// <summary>The submitter was stopped; the run is still completing its step and checkpoint.</summary>
    public sealed record StillEnding : SubmissionEnd;

    /// <summary>The submitter was stopped, and no node answers: the run may continue.</summary>
    public sealed record OutOfReach : SubmissionEnd;
}

/// <summary>Submits a run to the cluster and follows it to its end.</summary>
public static class Submitter
{
    /// <param name="said">Receives each line; true: for standard error. Called in order, on a thread that must not be blocked for long.</param>
    /// <param name="taken">Called when a coordinator has accepted the run.</param>
    /// <param name="cancellation">Stops the run in order; it is still followed for a few seconds.</param>
    /// <exception cref="Files.BadInputException">No node of the cluster will ever answer.</exception>
    public static async Task<SubmissionEnd> RunAsync(
        ClusterClient client, Submission run, Action<bool, string> said, Action taken, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource<SubmissionEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        var silence = new SilenceCounter();
        client.System.ActorOf(Props.Create(() => new Follower(client.NewContacts(), run, silence, said, taken, ended, cancellation)));
        return await client.WhileAskingAsync(ended.Task, silence).ConfigureAwait(false);
    }

    private sealed class Follower(
        Contacts contacts, Submission run, SilenceCounter silence, Action<bool, string> said, Action taken, TaskCompletionSource<SubmissionEnd> ended,
        CancellationToken cancellation) : UntypedActor, IWithTimers
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

        // Shorter than the time a process has to end after a signal.
        private const int TicksForAnAnswer = 3, TicksForTheEnd = 10;

        private ReceivedLines _received = ReceivedLines.Nothing;
        private bool _isTaken, _isCancelling;
        private int _ticksSinceSignal;
        private CancellationTokenRegistration _signal;

        public ITimerScheduler Timers { get; set; } = null!;

        private sealed record Tick : INoSerializationVerificationNeeded
        {
            public static Tick Instance { get; } = new();
        }

        protected override void PreStart()
        {
            var self = Self;
            Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, Interval);
            _signal = cancellation.Register(() => self.Tell(Tick.Instance));
        }

        protected override void PostStop()
        {
            _signal.Dispose();
            ended.TrySetResult(new SubmissionEnd.OutOfReach());
        }

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Tick:
                    contacts.NextTurn();
                    if (cancellation.IsCancellationRequested && EndWithout(++_ticksSinceSignal) is { } without) End(without);
                    else Ask();
                    break;
                case SubmissionProtocol.Accepted:
                    Answered();
                    if (!_isTaken) taken();
                    _isTaken = true;
                    break;
                case SubmissionProtocol.Cancelling:
                    Answered();
                    _isTaken = _isCancelling = true;
                    break;
                case SubmissionProtocol.Line line:
                    Answered();
                    if (_received.Add(line) is var received && received == _received) break;
                    _received = received;
                    said(line.IsError, line.Text);
                    break;
                case SubmissionProtocol.Over over when _received.IsAll(over):
                    End(new SubmissionEnd.Over(over.ExitCode));
                    break;
            }
        }

        private void Ask()
        {
            // A run that is to be stopped is not started.
            if (!cancellation.IsCancellationRequested || _isTaken) contacts.Tell(new SubmissionProtocol.Submit(run), Self);
            if (_isTaken) contacts.Tell(new SubmissionProtocol.Heard(run.Id, _received.Source, _received.Lines), Self);
            if (cancellation.IsCancellationRequested) contacts.Tell(new SubmissionProtocol.Cancel(run.Id), Self);
        }

        private SubmissionEnd? EndWithout(int ticks) => (_isTaken, _isCancelling) switch
        {
            (false, false) when ticks > TicksForAnAnswer => new SubmissionEnd.NeverTaken(),
            (true, false) when ticks > TicksForAnAnswer => new SubmissionEnd.OutOfReach(),
            (_, true) when ticks > TicksForTheEnd => new SubmissionEnd.StillEnding(),
            _ => null,
        };

        private void Answered()
        {
            contacts.Answered();
            silence.Reset();
        }

        private void End(SubmissionEnd end)
        {
            ended.TrySetResult(end);
            Context.Stop(Self);
        }
    }
}

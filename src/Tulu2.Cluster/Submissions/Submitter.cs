using Akka.Actor;
using Tulu2.Cluster.Hosting;

namespace Tulu2.Cluster.Submissions;

/// <summary>Gives a run to the cluster and follows it to its end.</summary>
public static class Submitter
{
    /// <param name="host">A node of the cluster, of whatever role.</param>
    /// <param name="said">Takes each line; true: for standard error. Called in order, on a thread that must not be blocked for long.</param>
    /// <param name="cancellation">Stops the run in order; it is still followed to its end.</param>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(ActorHost host, Submission run, Action<bool, string> said, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.System.ActorOf(Props.Create(() => new Follower(host.Coordinator, run, said, ended, cancellation)));
        return ended.Task;
    }

    private sealed class Follower(
        IActorRef coordinator, Submission run, Action<bool, string> said, TaskCompletionSource<int> ended, CancellationToken cancellation) : UntypedActor, IWithTimers
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
        private const int IntervalsUntilSaid = 10;

        private int _unanswered;

        public ITimerScheduler Timers { get; set; } = null!;

        private sealed record Tick : INoSerializationVerificationNeeded
        {
            public static Tick Instance { get; } = new();
        }

        protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, Interval);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Tick:
                    coordinator.Tell(cancellation.IsCancellationRequested ? new SubmissionProtocol.Cancel(run.Id) : new SubmissionProtocol.Submit(run));
                    // A stopped run has to be asked after too.
                    if (cancellation.IsCancellationRequested) coordinator.Tell(new SubmissionProtocol.Submit(run));
                    if (++_unanswered == IntervalsUntilSaid) said(true, "waiting for a coordinator of the cluster");
                    break;
                case SubmissionProtocol.InHand:
                    _unanswered = 0;
                    break;
                case SubmissionProtocol.Said line:
                    said(line.IsError, line.Line);
                    break;
                case SubmissionProtocol.Ended end:
                    ended.TrySetResult(end.ExitCode);
                    Context.Stop(Self);
                    break;
            }
        }
    }
}

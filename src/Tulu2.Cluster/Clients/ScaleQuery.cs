using Akka.Actor;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Clients;

/// <summary>Asks a cluster's coordinator to scale a run, until it answers or <paramref name="patience"/> has passed.</summary>
/// <param name="answer">Completed with null where no coordinator answered.</param>
internal sealed class ScaleQuery(Contacts contacts, TimeSpan patience, SubmissionProtocol.Scale request, TaskCompletionSource<SubmissionProtocol.Scaled?> answer)
    : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    private sealed record Overdue : INoSerializationVerificationNeeded
    {
        public static Overdue Instance { get; } = new();
    }

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, Interval);
        Timers.StartSingleTimer(nameof(Overdue), Overdue.Instance, patience);
    }

    protected override void PostStop() => answer.TrySetResult(null);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                contacts.NextTurn();
                contacts.Tell(request, Self);
                break;
            case SubmissionProtocol.Scaled scaled when scaled.Id == request.Id:
                contacts.Answered();
                answer.TrySetResult(scaled);
                Context.Stop(Self);
                break;
            case Overdue:
                Context.Stop(Self);
                break;
        }
    }
}

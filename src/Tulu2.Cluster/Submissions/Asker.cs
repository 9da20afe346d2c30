using System.Diagnostics;
using Akka.Actor;

namespace Tulu2.Cluster.Submissions;

/// <summary>Asks a cluster how things are until node and coordinator have answered, or patience is at its end.</summary>
/// <param name="cancel">A run to stop meanwhile; null: none.</param>
/// <param name="answer">Null is its result where no node has answered.</param>
internal sealed class Asker(Contacts contacts, TimeSpan patience, string? cancel, TaskCompletionSource<ClusterView?> answer) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    // A coordinator that is there answers as fast as its node.
    private static readonly TimeSpan CoordinatorPatience = TimeSpan.FromSeconds(4);

    private readonly Dictionary<string, NodeView> _nodes = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private int? _total;
    private SubmissionProtocol.RunStatus? _status;

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, Interval);

    protected override void PostStop() => answer.TrySetResult(null);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                contacts.NextTurn();
                if (cancel is not null) contacts.Tell(new SubmissionProtocol.Cancel(cancel), Self);
                contacts.Tell(SubmissionProtocol.AskStatus.Instance, Self);
                break;
            case SubmissionProtocol.Nodes nodes:
                contacts.Answered();
                // Another node's answer may be mixed in: the newest word on each counts.
                foreach (var node in nodes.Part) _nodes[node.Address] = node;
                _total = nodes.Total;
                break;
            case SubmissionProtocol.RunStatus status:
                contacts.Answered();
                _status = status;
                break;
        }
        var waited = Stopwatch.GetElapsedTime(_began);
        if (IsComplete && (_status is not null || waited > CoordinatorPatience)) End();
        else if (waited > patience) End();
    }

    private bool IsComplete => _total is { } total && _nodes.Count >= total;

    private void End()
    {
        answer.TrySetResult(!IsComplete ? null : new ClusterView(
            [.. _nodes.Values.OrderBy(node => node.Address, StringComparer.Ordinal)], _status?.Coordinator, _status?.InHand, _status?.Last));
        Context.Stop(Self);
    }
}

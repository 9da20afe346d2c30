using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Clients;

/// <summary>Queries a cluster's status until node and coordinator have answered, or <paramref name="patience"/> has passed.</summary>
/// <param name="cancel">Id of a run to stop; null: none.</param>
/// <param name="answer">Completed with null where no node has answered.</param>
internal sealed class StatusQuery(Contacts contacts, TimeSpan patience, string? cancel, TaskCompletionSource<ClusterView?> answer) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    // A reachable coordinator answers as fast as its node.
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
                // Answers of several nodes may be mixed: the newest state of each node counts.
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
            [.. _nodes.Values.OrderBy(node => node.Address, StringComparer.Ordinal)], _status?.Coordinator, _status?.Current, _status?.Last));
        Context.Stop(Self);
    }
}

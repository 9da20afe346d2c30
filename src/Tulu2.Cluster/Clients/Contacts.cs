using Akka.Actor;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Clients;

/// <summary>The nodes through which a client may reach the cluster: one at a time, the next one where it is silent. Used by one actor only.</summary>
internal sealed class Contacts(ActorSystem system, IReadOnlyList<Address> nodes)
{
    private const int TurnsEach = 3;

    private int _current;
    private int _silent;

    /// <summary>A turn begins; another node is asked where this one has been silent for a few.</summary>
    public void NextTurn()
    {
        if (_silent++ < TurnsEach) return;
        _silent = 1;
        _current = (_current + 1) % nodes.Count;
    }

    public void Answered() => _silent = 0;

    public void Tell(SubmissionProtocol.IRequest request, IActorRef sender) =>
        system.ActorSelection(new RootActorPath(nodes[_current]) / "user" / ActorNames.Gateway).Tell(request, sender);
}

using Akka.Actor;

namespace Tulu2.Cluster.Nodes;

/// <summary>Actors by where they are, for messages that name them so.</summary>
internal static class ActorPlaces
{
    /// <summary>
    /// Whoever has the path now. The provider's own way from a text keeps what it found, thread by thread, and gives back an actor of that path that has long
    /// ended: the ranks of a node's next run were then announced to the supervisor of the run before.
    /// </summary>
    public static IActorRef Resolve(ActorSystem system, string path) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(ActorPath.Parse(path));
}

using Akka.Actor;

namespace Tulu2.Cluster.Delivery;

/// <summary>Actors by where they are, for messages that name them so.</summary>
internal static class ActorPlaces
{
    /// <summary>The actor's path with the address under which other nodes reach it and, where it is known, its uid, by which it is told from a later one of that path.</summary>
    public static string PathOf(ActorSystem system, IActorRef actor) =>
        actor.Path.ToSerializationFormatWithAddress(((ExtendedActorSystem)system).Provider.DefaultAddress);

    /// <summary>
    /// Whoever has the path now; with a uid, that actor and no other. The provider's own way from a text keeps what it found, thread by thread, and gives back an
    /// actor of that path that has long ended.
    /// </summary>
    public static IActorRef Resolve(ActorSystem system, string path) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(ActorPath.Parse(path));
}

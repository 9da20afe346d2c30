using Akka.Actor;

namespace Tulu2.Cluster.Delivery;

/// <summary>Paths of actors, for messages that name actors.</summary>
internal static class ActorPaths
{
    /// <summary>
    /// The actor's path with the address under which other nodes reach it and, where known, its uid, which distinguishes it from a later actor of that path.
    /// </summary>
    public static string PathOf(ActorSystem system, IActorRef actor) =>
        actor.Path.ToSerializationFormatWithAddress(((ExtendedActorSystem)system).Provider.DefaultAddress);

    /// <summary>
    /// The actor that has the path now; with a uid, that actor and no other. The provider's own resolution of a text is cached per thread, and returns an actor of
    /// that path that ended long ago.
    /// </summary>
    public static IActorRef Resolve(ActorSystem system, string path) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(ActorPath.Parse(path));
}

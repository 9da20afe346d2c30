using Akka.Actor;
using Tulu2.Cluster.Messages.Encoding;

namespace Tulu2.Cluster.Delivery;

/// <summary>The node's <see cref="Courier"/>. Started with the actor system (<c>akka.extensions</c> in <c>cluster-config/base.conf</c>).</summary>
internal sealed class Couriers : IExtension
{
    private const string RepeatKey = "tulu2.delivery.repeat-after";

    private readonly IActorRef _courier;

    private Couriers(ExtendedActorSystem system) =>
        _courier = system.SystemActorOf(Props.Create(() => new Courier(system.Settings.Config.GetTimeSpan(RepeatKey, null, true))), Courier.Name);

    /// <summary>
    /// A reference to an actor, on whatever node, that loses no message: those for another node go by courier, those for this one directly. A message that cannot
    /// cross nodes throws where it is sent.
    /// </summary>
    public static IActorRef To(ActorSystem system, IActorRef actor) =>
        actor is IActorRefScope { IsLocal: true } ? actor : new ByCourier(system.WithExtension<Couriers, Provider>()._courier, (IInternalActorRef)actor);

    private sealed class ByCourier(IActorRef courier, IInternalActorRef to) : MinimalActorRef
    {
        public override ActorPath Path => to.Path;

        public override IActorRefProvider Provider => to.Provider;

        protected override void TellInternal(object message, IActorRef sender)
        {
            var (manifest, body) = WireSerializer.Pack(message);
            courier.Tell(new Courier.Send(to, sender.IsNobody() ? null : sender, manifest, [.. body]), ActorRefs.NoSender);
        }
    }

    public sealed class Provider : ExtensionIdProvider<Couriers>
    {
        public override Couriers CreateExtension(ExtendedActorSystem system) => new(system);
    }
}

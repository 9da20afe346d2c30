using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Nodes;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class ActorPlacesSpec() : TestKit(ConfigurationFactory.ParseString("""
    akka.actor.provider = remote
    akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
    """))
{
    [Fact]
    public void A_path_stands_for_who_has_it_now()
    {
        var address = ((ExtendedActorSystem)Sys).Provider.DefaultAddress;
        var first = Sys.ActorOf(Props.Create(() => new Nothing()), "place");
        var path = first.Path.ToStringWithAddress(address);
        Assert.Equal(first, ActorPlaces.Resolve(Sys, path));
        Watch(first);
        Sys.Stop(first);
        ExpectTerminated(first);
        var second = Sys.ActorOf(Props.Create(() => new Nothing()), "place");
        Assert.Equal(second, ActorPlaces.Resolve(Sys, path));
        Assert.NotEqual(first, second);
    }

    private sealed class Nothing : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }
}

using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Delivery;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class ActorPathsSpec() : TestKit(ConfigurationFactory.ParseString("""
    akka.actor.provider = remote
    akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
    """))
{
    [Fact]
    public void A_path_with_a_uid_stands_for_one_actor_and_a_path_without_for_who_has_it_now()
    {
        var address = ((ExtendedActorSystem)Sys).Provider.DefaultAddress;
        var first = Sys.ActorOf(Props.Create(() => new Nothing()), "place");
        var (path, exact) = (first.Path.ToStringWithAddress(address), ActorPaths.PathOf(Sys, first));
        Assert.Equal(first, ActorPaths.Resolve(Sys, path));
        Assert.Equal(first, ActorPaths.Resolve(Sys, exact));
        Watch(first);
        Sys.Stop(first);
        ExpectTerminated(first);
        // Its name is free a moment after it is gone.
        IActorRef? second = null;
        AwaitAssert(() => second = Sys.ActorOf(Props.Create(() => new Nothing()), "place"), TimeSpan.FromSeconds(10));
        Assert.Equal(second, ActorPaths.Resolve(Sys, path));
        Assert.Equal(second, ActorPaths.Resolve(Sys, ActorPaths.PathOf(Sys, second!)));
        Assert.NotEqual(first, second);
        Assert.IsAssignableFrom<EmptyLocalActorRef>(ActorPaths.Resolve(Sys, exact));
    }

    private sealed class Nothing : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }
}

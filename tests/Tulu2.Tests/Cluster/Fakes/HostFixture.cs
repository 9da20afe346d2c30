using Akka.Configuration;
using Tulu2.Cluster.Hosting;
using Xunit;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>One actor system for all tests of a collection, with every local message taken through its serializer.</summary>
public sealed class HostFixture : IAsyncLifetime
{
    internal static Config Settings { get; } = ConfigurationFactory.ParseString("""
        akka.actor {
          serialize-messages = on
          serializers.json = "Tulu2.Tests.Cluster.Fakes.OwnMessagesDenied, Tulu2.Tests"
        }
        """);

    public ActorHost Host { get; private set; } = null!;

    public async Task InitializeAsync() =>
        Host = await ActorHost.StartAsync(Settings, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    public async Task DisposeAsync() => await Host.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class HostCollection : ICollectionFixture<HostFixture>
{
    public const string Name = "actor host";
}

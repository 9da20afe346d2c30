namespace Tulu2.Cluster.Hosting;

/// <summary>The process's actor system: one node of a cluster, started once and shared by everything that runs in the process.</summary>
public sealed class ActorHost : IAsyncDisposable
{
    /// <summary>Starts the actor system and waits until its node is up.</summary>
    public static Task<ActorHost> StartAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Leaves the cluster and ends the actor system.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

using Tulu2.Cluster.Hosting;

namespace Tulu2.Runs.Launch;

/// <summary>This process's actor system. It is started when it is first needed, after bad input has been found.</summary>
internal sealed class LocalNode : IAsyncDisposable
{
    private Task<ActorHost>? _host;

    public LocalNode()
    {
    }

    /// <summary>A node that is already running.</summary>
    public LocalNode(ActorHost host) => _host = Task.FromResult(host);

    public Task<ActorHost> StartAsync(CancellationToken cancellation) => _host is null or { IsFaulted: true } ? _host = ActorHost.StartAsync(cancellation) : _host;

    public async ValueTask DisposeAsync()
    {
        if (_host is { IsCompletedSuccessfully: true }) await (await _host).DisposeAsync();
    }
}

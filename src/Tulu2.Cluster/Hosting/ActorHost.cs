using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tulu2.Cluster.Runs;

namespace Tulu2.Cluster.Hosting;

/// <summary>The process's actor system: one node of a cluster, started once and shared by everything that runs in the process.</summary>
public sealed class ActorHost : IAsyncDisposable
{
    private const string SystemName = "tulu2";
    private const int PoolThreads = 64;

    private readonly IHost _host;

    private ActorHost(IHost host, ActorSystem system, IActorRef coordinator)
    {
        _host = host;
        System = system;
        Coordinator = coordinator;
        Events = EventFile.For(system);
    }

    internal ActorSystem System { get; }
    internal IActorRef Coordinator { get; }
    internal EventFile Events { get; }

    /// <summary>Evaluators have fixed places on the node, so that evaluations follow one another.</summary>
    internal SemaphoreSlim EvaluationTurn { get; } = new(1);

    /// <summary>Starts the actor system and waits until its node is up.</summary>
    public static Task<ActorHost> StartAsync(CancellationToken cancellation = default) => StartAsync(Config.Empty, cancellation);

    /// <param name="overrides">Settings that win over those of <c>cluster-config/local.conf</c>.</param>
    internal static async Task<ActorHost> StartAsync(Config overrides, CancellationToken cancellation)
    {
        // Measured: pool threads that block for a second or two starve the heartbeats of the whole node unless there are spare ones.
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, PoolThreads), Math.Max(ports, PoolThreads));

        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        // Signals belong to the command line.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddAkka(SystemName, akka => akka
            .AddHocon(overrides.WithFallback(LocalConfig()), HoconAddMode.Prepend)
            .WithActors((system, _) => StartActors(system)));
        var host = builder.Build();
        await host.StartAsync(cancellation).ConfigureAwait(false);

        var system = host.Services.GetRequiredService<ActorSystem>();
        var cluster = Akka.Cluster.Cluster.Get(system);
        await cluster.JoinAsync(cluster.SelfAddress, cancellation).ConfigureAwait(false);
        var proxy = system.ActorOf(ClusterSingletonProxy.Props("/user/run", ClusterSingletonProxySettings.Create(system)), "run-proxy");
        return new ActorHost(host, system, proxy);
    }

    /// <summary>Leaves the cluster and ends the actor system.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync().ConfigureAwait(false);
        _host.Dispose();
    }

    private static void StartActors(ActorSystem system)
    {
        var node = system.ActorOf(Props.Create(() => new NodeAgent()), NodeAgent.Name);
        system.ActorOf(
            ClusterSingletonManager.Props(Props.Create(() => new RunCoordinator(node)),
                PoisonPill.Instance, ClusterSingletonManagerSettings.Create(system)), "run");
    }

    internal static Config LocalConfig()
    {
        using var stream = typeof(ActorHost).Assembly.GetManifestResourceStream("local.conf")!;
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

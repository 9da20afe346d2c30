using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Logging;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Runs;
using Tulu2.Cluster.Seeds;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Hosting;

/// <summary>The process's actor system: one node of a cluster, started once and shared by everything that runs in the process.</summary>
public sealed class ActorHost : IAsyncDisposable
{
    // What an earlier coordinator could still do is fenced: its ledger is locked until its process ends, and its generation is an old one to every rank.
    private static readonly TimeSpan RemovalMargin = TimeSpan.FromMilliseconds(500);

    private const int PoolThreads = 64;

    // Messages that actors sent while they ended may still be in transit.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

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

    /// <summary>Evaluators have fixed names on the node, so only one evaluation runs at a time.</summary>
    internal SemaphoreSlim EvaluationTurn { get; } = new(1);

    /// <summary>Address under which other nodes reach this one.</summary>
    public string Address => Akka.Cluster.Cluster.Get(System).SelfAddress.ToString();

    /// <summary>Ranks that this node takes.</summary>
    public int Places { get; private init; }

    /// <summary>Evaluators of this node, for runs of the whole cluster.</summary>
    public int Evaluators { get; private init; }

    /// <summary>Completes when the actor system has ended, by <see cref="DisposeAsync"/> or because the cluster has removed this node.</summary>
    public Task Terminated => System.WhenTerminated;

    /// <summary>Starts the actor system of a cluster of one node and waits until it is up.</summary>
    public static Task<ActorHost> StartAsync(CancellationToken cancellation = default) => StartAsync(Config.Empty, cancellation);

    /// <param name="overrides">Settings that win over those for processes of one host.</param>
    internal static Task<ActorHost> StartAsync(Config overrides, CancellationToken cancellation) =>
        StartAsync(new NodeSettings("", "") { Overrides = overrides }, cancellation);

    /// <summary>Starts this process's node, joins the cluster that the settings name and waits until it is a member, or until the cluster refuses it.</summary>
    /// <exception cref="Files.BadInputException">The settings cannot be used, or no seed node will ever answer.</exception>
    public static async Task<ActorHost> StartAsync(NodeSettings settings, CancellationToken cancellation)
    {
        // Measured: pool threads that block for a second or two starve the heartbeats of the whole node unless there are spare ones.
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, PoolThreads), Math.Max(ports, PoolThreads));

        var config = ClusterConfig.EffectiveConfig(settings);
        if (settings.Text.Length > 0) SettingsCheck.Node(settings, config);
        var roles = config.GetStringList("akka.cluster.roles");
        var places = roles.Contains(ActorNames.TrainerRole) && settings.Preparation is { } preparation
            ? new NodeCapacity(settings.RanksTaken(config), preparation, settings.Memory)
            : null;
        var evaluators = roles.Contains(ActorNames.EvaluatorRole) && settings.Evaluators is { } hosting
            ? new NodeEvaluators(settings.EvaluatorsStarted(config), hosting)
            : null;
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        // The command line handles signals.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var certificates = ClusterCertificates.Load(settings, config);
        IActorRef proxy = ActorRefs.Nobody;
        builder.Services.AddAkka(ActorNames.System, akka => (certificates is null ? akka : akka.AddSetup(certificates.Setup(settings.Say)))
            .AddHocon(config, HoconAddMode.Prepend)
            .WithActors((system, _) => proxy = StartActors(system, roles.Contains(ActorNames.CoordinatorRole), places, evaluators, settings)));
        var host = builder.Build();
        try
        {
            await host.StartAsync(cancellation).ConfigureAwait(false);
            var system = host.Services.GetRequiredService<ActorSystem>();
            await JoinAsync(system, settings, certificates, cancellation).ConfigureAwait(false);
            return new ActorHost(host, system, proxy) { Places = places?.Ranks ?? 0, Evaluators = evaluators?.Count ?? 0 };
        }
        catch
        {
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
            host.Dispose();
            throw;
        }
    }

    private static async Task JoinAsync(ActorSystem system, NodeSettings settings, ClusterCertificates? certificates, CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        // With seed nodes it joins by itself when one of them answers.
        if (cluster.Settings.SeedNodes.IsEmpty)
        {
            await cluster.JoinAsync(cluster.SelfAddress, cancellation).ConfigureAwait(false);
            return;
        }
        // A member that leaves and comes, or one that is up already, calls more than once.
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.RegisterOnMemberUp(() => up.TrySetResult());
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var others = cluster.Settings.SeedNodes.Where(seed => !seed.Equals(cluster.SelfAddress)).ToList();
        var watch = new SeedWatch(settings, others, certificates);
        var looking = watch.RunAsync(new SilenceCounter(), () => Waiting(cluster), watching.Token);
        var first = await Task.WhenAny(up.Task, system.WhenTerminated, looking).WaitAsync(cancellation).ConfigureAwait(false);
        await watching.CancelAsync().ConfigureAwait(false);
        if (first == looking) await looking.ConfigureAwait(false);
        if (up.Task.IsCompleted) return;
        // The transport ends the actor system if it refuses a certificate.
        var (words, _) = await watch.SayAsync(() => "the actor system ended before the cluster let this node in", cancellation).ConfigureAwait(false);
        throw new InvalidOperationException(words);
    }

    private static string Waiting(Akka.Cluster.Cluster cluster) => cluster.State.Unreachable is { IsEmpty: false } unreachable
        ? $"this node comes in as soon as the cluster reaches {string.Join(", ", unreachable.Select(member => member.Address))} again, or gives it up"
        : $"the cluster has not let this node ({cluster.SelfAddress}) in yet; a seed node must use the same spelling of its own address";

    /// <summary>Tells the cluster that a node is known to be dead; it is removed without waiting for its heartbeats.</summary>
    public void Down(string address) => Akka.Cluster.Cluster.Get(System).Down(Akka.Actor.Address.Parse(address));

    /// <summary>Ends the current run as failed: it cannot continue.</summary>
    public void EndRun(Exception cause) => Coordinator.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));

    /// <summary>Waits for a task that actors of this process complete, or for the end of the actor system, after which they never will.</summary>
    /// <exception cref="RunFailedException">The cluster has removed this process.</exception>
    internal async Task<T> UnlessTerminatedAsync<T>(Task<T> awaited)
    {
        if (await Task.WhenAny(awaited, Terminated).ConfigureAwait(false) == Terminated)
            await Task.WhenAny(awaited, Task.Delay(LastWords)).ConfigureAwait(false);
        return awaited.IsCompleted
            ? await awaited.ConfigureAwait(false)
            : throw new RunFailedException("the cluster has given this process up, which slept or was cut off for too long; what was committed is kept", "");
    }

    /// <summary>This node is about to end: its ranks finish the step under way first, and others take their place.</summary>
    /// <returns>False: they had not ended in this time.</returns>
    public async Task<bool> DrainAsync(TimeSpan patience)
    {
        try
        {
            await System.ActorSelection($"/user/{ActorNames.NodeAgent}").Ask<NodeAgent.Drained>(NodeAgent.Drain.Instance, patience).ConfigureAwait(false);
            return true;
        }
        catch (Exception late) when (late is AskTimeoutException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Leaves the cluster and ends the actor system.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync().ConfigureAwait(false);
        _host.Dispose();
        await Task.WhenAny(Events.Completion, Task.Delay(LastWords)).ConfigureAwait(false);
    }

    // Returns a proxy of the coordinator, whatever node it is on.
    private static IActorRef StartActors(ActorSystem system, bool coordinates, NodeCapacity? places, NodeEvaluators? evaluators, NodeSettings settings)
    {
        EventFile.For(system).Otherwise = settings.Details;
        var proxy = system.ActorOf(ClusterSingletonProxy.Props($"/user/{ActorNames.Coordinator}", ClusterSingletonProxySettings.Create(system)), "run-proxy");
        var node = system.ActorOf(Props.Create(() => new NodeAgent(places)), ActorNames.NodeAgent);
        // They ask whoever coordinates, and so work for each run in turn.
        if (evaluators is not null) node.Tell(new EvaluationControl.StartEvaluators(evaluators.Count, new HostedEvaluatorSource(evaluators.Hosting), proxy));
        if (settings.Service is { } service) system.ActorOf(Props.Create(() => new Gateway()), ActorNames.Gateway);
        if (settings.Log is { } say) system.ActorOf(Props.Create(() => new MembershipLog(say)), MembershipLog.Name);
        if (coordinates)
        {
            var patience = system.Settings.Config.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after");
            system.ActorOf(Props.Create(() => new LostNodes(patience)), "lost-nodes");
            system.ActorOf(Props.Create(() => new EndedCoordinators()), "ended-coordinators");
            system.ActorOf(
                ClusterSingletonManager.Props(Props.Create(() => new RunCoordinator(node, settings.Service)),
                    PoisonPill.Instance, ClusterSingletonManagerSettings.Create(system).WithRemovalMargin(RemovalMargin)), ActorNames.Coordinator);
        }
        return proxy;
    }

    private sealed record NodeEvaluators(int Count, IEvaluatorHosting Hosting);

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

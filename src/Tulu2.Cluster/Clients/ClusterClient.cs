using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Logging;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Seeds;

namespace Tulu2.Cluster.Clients;

/// <summary>
/// A process outside the cluster that communicates with it through whichever seed node answers. It is no member: the cluster does not wait for it and cannot
/// remove it, so that it may sleep or lose its connection and reconnects by itself. No node connects to it.
/// </summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private readonly IReadOnlyList<Address> _seeds;
    private readonly SeedWatch _watch;

    private ClusterClient(ActorSystem system, IReadOnlyList<Address> seeds, SeedWatch watch) => (System, _seeds, _watch) = (system, seeds, watch);

    internal ActorSystem System { get; }

    /// <exception cref="Files.BadInputException">The settings cannot be used.</exception>
    public static ClusterClient Start(NodeSettings settings)
    {
        var given = ClusterConfig.EffectiveConfig(settings);
        var seeds = SettingsCheck.Client(settings, given);
        var certificates = ClusterCertificates.Load(settings, given);
        var config = ConfigurationFactory.ParseString("""
            akka.actor.provider = remote
            akka.remote {
              dot-netty.tcp { hostname = "127.0.0.1", port = 0, public-hostname = "", public-port = 0 }
              # One of several nodes is asked each second; nothing else waits for it.
              retry-gate-closed-for = 500ms
              # A connection that a pause or a cut has ended is made again before the user notices.
              transport-failure-detector { heartbeat-interval = 2s, acceptable-heartbeat-pause = 15s }
            }
            """).WithFallback(given);
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config));
        if (certificates is not null) setup = setup.And(certificates.Setup(settings.Say));
        // Nodes identify it by this name, which must be unique across machines.
        var system = ActorSystem.Create($"{ActorNames.System}-client-{Guid.NewGuid():N}", setup);
        EventFile.For(system).Otherwise = settings.Details;
        return new ClusterClient(system, seeds, new SeedWatch(settings, seeds, certificates));
    }

    /// <summary>Queries the nodes and the current run.</summary>
    /// <param name="patience">Time allowed for an answer.</param>
    /// <param name="cancel">Id of a run to stop, if it is the current one; null: none.</param>
    /// <returns>Null: no node answered.</returns>
    public Task<ClusterView?> LookAsync(TimeSpan patience, string? cancel, CancellationToken cancellation) =>
        AskAsync<ClusterView?>(answer => Props.Create(() => new StatusQuery(NewContacts(), patience, cancel, answer)), cancellation);

    /// <summary>Asks the coordinator to scale a run that it has.</summary>
    /// <param name="id">Id of the run.</param>
    /// <returns>False: no coordinator answered in time.</returns>
    /// <exception cref="Files.BadInputException">The run cannot have this number of replicas.</exception>
    public async Task<bool> ScaleAsync(TimeSpan patience, string id, int data, CancellationToken cancellation)
    {
        var request = new SubmissionProtocol.Scale(id, data);
        var scaled = await AskAsync<SubmissionProtocol.Scaled?>(answer => Props.Create(() => new ScaleQuery(NewContacts(), patience, request, answer)), cancellation).ConfigureAwait(false);
        if (scaled is { Where.Length: > 0 }) throw new Files.BadInputException(scaled.Where, scaled.What, scaled.Fix);
        return scaled is not null;
    }

    // By an actor of its own, until it answers or the user has enough.
    private async Task<T> AskAsync<T>(Func<TaskCompletionSource<T>, Props> asking, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asker = System.ActorOf(asking(answer));
        await using var stop = cancellation.Register(() => answer.TrySetCanceled(cancellation));
        try
        {
            return await answer.Task.ConfigureAwait(false);
        }
        finally
        {
            System.Stop(asker);
        }
    }

    /// <summary>Why no node answers, and whether one listens nevertheless.</summary>
    /// <exception cref="Files.BadInputException">No node ever will.</exception>
    public Task<(string Words, bool Listens)> WhyAsync(CancellationToken cancellation) => _watch.SayAsync(() => NoCoordinator, cancellation);

    public async ValueTask DisposeAsync() => await System.Terminate().ConfigureAwait(false);

    internal Contacts NewContacts() => new(System, _seeds);

    /// <summary>Waits for an answer, and reports now and then what is being tried.</summary>
    internal async Task<T> WhileAskingAsync<T>(Task<T> answer, SilenceCounter silence)
    {
        using var watching = new CancellationTokenSource();
        var watch = _watch.RunAsync(silence, () => NoCoordinator, watching.Token);
        var first = await Task.WhenAny(answer, watch).ConfigureAwait(false);
        await watching.CancelAsync().ConfigureAwait(false);
        if (first == watch) await watch.ConfigureAwait(false);
        return await answer.ConfigureAwait(false);
    }

    private const string NoCoordinator = "no coordinator answers: the cluster needs a node with the role coordinator, or has just lost one and finds another";
}

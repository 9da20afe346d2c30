using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Tulu2.Cluster.Submissions;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// A process outside the cluster that talks to it through whichever seed node answers. It is no member: the cluster does not wait for it and cannot give it
/// up, so that it may sleep or be cut off and comes back by itself. It connects, and nobody connects to it.
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
        var given = ActorHost.EffectiveConfig(settings);
        var seeds = SettingsCheck.Client(settings, given);
        var certificates = ClusterCertificates.Load(settings, given);
        var config = ConfigurationFactory.ParseString("""
            akka.actor.provider = remote
            akka.remote {
              dot-netty.tcp { hostname = "127.0.0.1", port = 0, public-hostname = "", public-port = 0 }
              # One of several nodes is asked each second, and nobody else is held up by it.
              retry-gate-closed-for = 500ms
              # A connection that is dead, by a pause or a cut, is made again before anybody wonders.
              transport-failure-detector { heartbeat-interval = 2s, acceptable-heartbeat-pause = 15s }
            }
            """).WithFallback(given);
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config));
        if (certificates is not null) setup = setup.And(certificates.Setup(settings.Say));
        // Nodes know it by this name: those of two machines must not be alike.
        var system = ActorSystem.Create($"{ActorHost.SystemName}-client-{Guid.NewGuid():N}", setup);
        EventFile.For(system).Otherwise = settings.Details;
        return new ClusterClient(system, seeds, new SeedWatch(settings, seeds, certificates));
    }

    /// <summary>Asks what nodes are there and which run is in hand.</summary>
    /// <param name="patience">How long anybody may take to answer.</param>
    /// <param name="cancel">The id of a run that is to end in order, if it is in hand; null: none.</param>
    /// <returns>Null: nobody answered.</returns>
    public async Task<ClusterView?> LookAsync(TimeSpan patience, string? cancel, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<ClusterView?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asker = System.ActorOf(Props.Create(() => new Asker(NewContacts(), patience, cancel, answer)));
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

    /// <summary>What is the matter where nobody answers, and whether a node listens all the same.</summary>
    /// <exception cref="Files.BadInputException">Nobody ever will.</exception>
    public Task<(string Words, bool Listens)> WhyAsync(CancellationToken cancellation) => _watch.SayAsync(() => NoCoordinator, cancellation);

    public async ValueTask DisposeAsync() => await System.Terminate().ConfigureAwait(false);

    internal Contacts NewContacts() => new(System, _seeds);

    /// <summary>Waits for an answer and says now and then what is tried meanwhile.</summary>
    internal async Task<T> WhileAskingAsync<T>(Task<T> answer, Silence silence)
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

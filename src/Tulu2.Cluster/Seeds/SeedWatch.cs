using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Configuration;

namespace Tulu2.Cluster.Seeds;

/// <summary>Reports the state of the seed nodes while none answers: after a few seconds, then once a minute.</summary>
/// <param name="tried">Seed nodes of the settings, without this process.</param>
internal sealed class SeedWatch(NodeSettings settings, IReadOnlyList<Address> tried, ClusterCertificates? certificates)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    // A node that is ending may look like one with other settings.
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(2);

    /// <summary>Runs until it is cancelled.</summary>
    /// <param name="otherwise">Text for where a node listens nevertheless.</param>
    /// <exception cref="Files.BadInputException">None of them will ever answer.</exception>
    public async Task RunAsync(SilenceCounter silence, Func<string> otherwise, CancellationToken cancellation)
    {
        long? said = null;
        while (true)
        {
            await Task.Delay(Look, cancellation).ConfigureAwait(false);
            silence.Tick();
            // A new silence is reported at once.
            if (!silence.IsLong) said = null;
            if (!silence.IsLong || said is { } last && Stopwatch.GetElapsedTime(last) < Interval) continue;
            var (words, _) = await SayAsync(otherwise, cancellation).ConfigureAwait(false);
            if (!silence.IsLong) continue;
            said = Stopwatch.GetTimestamp();
            settings.Say(words);
        }
    }

    /// <summary>The report, and whether a node listens.</summary>
    /// <exception cref="Files.BadInputException">None of them will ever answer.</exception>
    public async Task<(string Words, bool Listens)> SayAsync(Func<string> otherwise, CancellationToken cancellation)
    {
        var found = await LookAsync(cancellation).ConfigureAwait(false);
        return found.Any(each => each.Finding == SeedFinding.Listens)
            ? ($"{otherwise()} (tried {SeedReport.Line(found)})", true)
            : ($"no node of the cluster answers: {SeedReport.Line(found)}", false);
    }

    private async Task<(Address Seed, SeedFinding Finding)[]> LookAsync(CancellationToken cancellation)
    {
        var found = await SeedProbe.AllAsync(tried, certificates, cancellation).ConfigureAwait(false);
        if (!SeedReport.IsHopeless(found)) return found;
        await Task.Delay(SecondLook, cancellation).ConfigureAwait(false);
        found = await SeedProbe.AllAsync(tried, certificates, cancellation).ConfigureAwait(false);
        return SeedReport.IsHopeless(found) ? throw SeedReport.ToException(settings, found) : found;
    }
}

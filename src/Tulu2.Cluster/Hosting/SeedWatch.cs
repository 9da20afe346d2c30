using System.Diagnostics;
using Akka.Actor;

namespace Tulu2.Cluster.Hosting;

/// <summary>Says what is tried while no seed node answers: after a few seconds, then once a minute.</summary>
/// <param name="tried">Of the settings, less the process itself.</param>
internal sealed class SeedWatch(NodeSettings settings, IReadOnlyList<Address> tried, ClusterCertificates? certificates)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    // A node that is just ending may look like one of another kind.
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(2);

    /// <summary>Until it is stopped.</summary>
    /// <param name="otherwise">What there is to say where a node listens all the same.</param>
    /// <exception cref="Files.BadInputException">None of them will ever answer.</exception>
    public async Task RunAsync(Silence silence, Func<string> otherwise, CancellationToken cancellation)
    {
        long? said = null;
        while (true)
        {
            await Task.Delay(Look, cancellation).ConfigureAwait(false);
            silence.Look();
            // A silence that begins anew is said anew.
            if (!silence.IsLong) said = null;
            if (!silence.IsLong || said is { } last && Stopwatch.GetElapsedTime(last) < Interval) continue;
            var (words, _) = await SayAsync(otherwise, cancellation).ConfigureAwait(false);
            if (!silence.IsLong) continue;
            said = Stopwatch.GetTimestamp();
            settings.Say(words);
        }
    }

    /// <summary>What there is to say now, and whether a node listens.</summary>
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

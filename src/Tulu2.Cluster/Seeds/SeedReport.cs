using Akka.Actor;
using Tulu2.Cluster.Configuration;
using Tulu2.Files;

namespace Tulu2.Cluster.Seeds;

/// <summary>Text about the state of the seed nodes.</summary>
internal static class SeedReport
{
    /// <summary>Whether none of them will ever answer.</summary>
    public static bool IsHopeless(IReadOnlyCollection<(Address Seed, SeedFinding Finding)> found) => found.Count > 0 && found.All(each => IsHopeless(each.Finding));

    /// <summary>For a line: <c>akka.tcp://tulu2@a:4053 (nothing listens there), …</c>.</summary>
    public static string Line(IEnumerable<(Address Seed, SeedFinding Finding)> found) => string.Join(", ", found.Select(each => $"{each.Seed} ({Text(each.Finding)})"));

    /// <summary>The error where no seed node will ever answer.</summary>
    public static BadInputException ToException(NodeSettings settings, IReadOnlyCollection<(Address Seed, SeedFinding Finding)> found)
    {
        var first = found.First();
        var (key, fix) = first.Finding switch
        {
            SeedFinding.WantsTls => ("akka.remote.dot-netty.tcp.enable-ssl", "switch TLS on here too, as cluster-config/tls.conf does, with a certificate of the cluster's authority"),
            SeedFinding.HasNoTls => ("akka.remote.dot-netty.tcp.enable-ssl", "switch TLS on there too, as cluster-config/tls.conf does, or off here: all nodes alike"),
            SeedFinding.IsForeign => ("tulu2.tls.authority", "name the authority that signed the certificates of the cluster's nodes, and a certificate of it"),
            _ => ("tulu2.tls.certificate", "name a certificate that the cluster's authority has signed and that its nodes' tulu2.tls.admitted lists (`tulu2 cluster certificates` makes them)"),
        };
        return new BadInputException(settings.Locate(key), Line(found), fix);
    }

    private static bool IsHopeless(SeedFinding finding) => finding is SeedFinding.WantsTls or SeedFinding.HasNoTls or SeedFinding.IsForeign or SeedFinding.RefusesOurs;

    private static string Text(SeedFinding finding) => finding switch
    {
        SeedFinding.NoSuchName => "this machine does not know the name",
        SeedFinding.NothingListens => "nothing listens there",
        SeedFinding.NoAnswer => "no answer",
        SeedFinding.WantsTls => "wants TLS, which is off here",
        SeedFinding.HasNoTls => "has no TLS, which is on here",
        SeedFinding.IsForeign => "shows a certificate of another authority, or one that is not admitted here",
        SeedFinding.RefusesOurs => "refuses this certificate",
        _ => "listens",
    };
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Tulu2.Files;

namespace Tulu2.Cluster.Configuration;

/// <summary>
/// Mutual TLS between nodes: each presents a certificate of the cluster's own authority and accepts no other. Nothing else protects a cluster.
/// </summary>
internal sealed class ClusterCertificates
{
    private const string Section = "tulu2.tls";

    private readonly X509Certificate2 _authority;

    private ClusterCertificates(X509Certificate2 own, X509Certificate2 authority) => (Own, _authority) = (own, authority);

    /// <summary>The certificate this process presents.</summary>
    public X509Certificate2 Own { get; }

    /// <summary>Those of <c>tulu2.tls { certificate, key, authority }</c> (PEM files, relative to the file that names them), or null where TLS is not asked for.</summary>
    /// <exception cref="BadInputException">A file is not there, is not what it should be, or does not go with the others.</exception>
    public static ClusterCertificates? Load(NodeSettings settings, Config config)
    {
        if (!SettingsCheck.UsesTls(settings, config)) return null;
        string PathOf(string key) => config.HasPath($"{Section}.{key}") && config.GetString($"{Section}.{key}") is { Length: > 0 } path
            ? settings.PathOf($"{Section}.{key}", path)
            : throw new BadInputException(settings.Locate($"{Section}.{key}"), "is not given, but TLS is switched on", "name a PEM file; cluster-config/tls.conf shows how");
        var (certificate, key, authority) = (PathOf("certificate"), PathOf("key"), PathOf("authority"));
        var root = Read(settings, "authority", authority, pem => X509Certificate2.CreateFromPem(pem));
        using var shown = Read(settings, "certificate", certificate, pem => X509Certificate2.CreateFromPem(pem));
        var own = Read(settings, "key", key, pem => X509Certificate2.CreateFromPem(File.ReadAllText(certificate), pem), $", or not that of {certificate}");
        var found = new ClusterCertificates(own, root);
        if (found.IsOurs(shown)) return found;
        var (location, now) = (settings.Locate($"{Section}.certificate"), DateTime.Now);
        throw now < shown.NotBefore || now > shown.NotAfter
            ? new BadInputException(location, $"{certificate} is valid from {shown.NotBefore:yyyy-MM-dd HH:mm} to {shown.NotAfter:yyyy-MM-dd HH:mm}, which is not now",
                "make a new one (tools/make-certificates.sh), or set this machine's clock")
            : new BadInputException(location, $"{certificate} was not signed by {authority}: no node of that authority takes it",
                "name a certificate that the cluster's authority has signed (tools/make-certificates.sh makes them), or the authority that signed it");
    }

    /// <summary>Whether a certificate was signed by the cluster's authority. The machine's own list of authorities is ignored.</summary>
    public bool IsOurs(X509Certificate2 shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(shown);
    }

    /// <param name="log">Receives a line for each connection refused.</param>
    public DotNettySslSetup Setup(Action<string> log) => new(Own, suppressValidation: false, requireMutualAuthentication: true,
        customValidator: (shown, _, peer, _, _) =>
        {
            if (shown is not null && IsOurs(shown)) return true;
            log($"turned away {MachineOf(peer)}: it shows {(shown is null ? "no certificate" : $"a certificate of another authority ({shown.Subject})")}");
            return false;
        });

    // Without the port, which is another one each time.
    private static string MachineOf(string? peer) =>
        IPEndPoint.TryParse(peer ?? "", out var point) ? $"{(point.Address.IsIPv4MappedToIPv6 ? point.Address.MapToIPv4() : point.Address)}"
            : string.IsNullOrEmpty(peer) ? "a process" : peer;

    private static X509Certificate2 Read(NodeSettings settings, string key, string path, Func<string, X509Certificate2> parse, string or = "")
    {
        var location = settings.Locate($"{Section}.{key}");
        try
        {
            return parse(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(location, File.Exists(path) ? $"{path} cannot be read" : $"there is no file {path}",
                "name a PEM file that this user may read; tools/make-certificates.sh makes all three", error);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new BadInputException(location, $"{path} is not a {(key == "key" ? "private key" : "certificate")} as PEM{or}",
                "name the node's certificate, its private key and the cluster's authority, all as PEM files", error);
        }
    }
}

using System.Net;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Tulu2.Files;
using Tulu2.Files.Certificates;

namespace Tulu2.Cluster.Configuration;

/// <summary>
/// Mutual TLS between nodes: each presents a certificate of the cluster's own authority and accepts no other (<see cref="ClusterIdentity"/>). Nothing else protects a cluster.
/// </summary>
internal sealed class ClusterCertificates
{
    private const string Section = "tulu2.tls";
    private const string AdmittedKey = "admitted";

    private readonly ClusterIdentity _identity;

    private ClusterCertificates(ClusterIdentity identity) => _identity = identity;

    /// <summary>The certificate this process presents.</summary>
    public X509Certificate2 Own => _identity.Own;

    /// <summary>Those of <c>tulu2.tls { certificate, key, authority, admitted }</c>, or null where TLS is not asked for.</summary>
    /// <exception cref="BadInputException">A file is not there, is not what it should be, or does not go with the others.</exception>
    public static ClusterCertificates? Load(NodeSettings settings, Config config) =>
        FilesOf(settings, config) is { } files ? new ClusterCertificates(ClusterIdentity.Load(files, key => settings.Locate($"{Section}.{key}"))) : null;

    /// <summary>The PEM files that the settings name, relative to the file that names them; null where TLS is not asked for.</summary>
    /// <exception cref="BadInputException">One of them is not named.</exception>
    public static IdentityFiles? FilesOf(NodeSettings settings, Config config)
    {
        if (!SettingsCheck.UsesTls(settings, config)) return null;
        string? Given(string key) => config.HasPath($"{Section}.{key}") && config.GetString($"{Section}.{key}") is { Length: > 0 } path
            ? Path.GetFullPath(settings.PathOf($"{Section}.{key}", path)) : null;
        string PathOf(string key) => Given(key)
            ?? throw new BadInputException(settings.Locate($"{Section}.{key}"), "is not given, but TLS is switched on", "name a PEM file; cluster-config/tls.conf shows how");
        return new IdentityFiles(PathOf("certificate"), PathOf("key"), PathOf("authority"), Given(AdmittedKey));
    }

    /// <summary>Whether a certificate is that of a node of this cluster.</summary>
    public bool IsOurs(X509Certificate2 shown) => _identity.WhyRefused(shown) is null;

    /// <param name="log">Receives a line for each connection refused.</param>
    public DotNettySslSetup Setup(Action<string> log) => new(Own, suppressValidation: false, requireMutualAuthentication: true,
        customValidator: (shown, _, peer, _, _) =>
        {
            if (_identity.WhyRefused(shown) is not { } reason) return true;
            log($"turned away {MachineOf(peer)}: {reason}");
            return false;
        });

    // Without the port, which is another one each time.
    private static string MachineOf(string? peer) =>
        IPEndPoint.TryParse(peer ?? "", out var point) ? $"{(point.Address.IsIPv4MappedToIPv6 ? point.Address.MapToIPv4() : point.Address)}"
            : string.IsNullOrEmpty(peer) ? "a process" : peer;
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Tulu2.Files;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// Mutual TLS between nodes: each shows a certificate of the cluster's own authority and takes no other. That is the only gate there is to a cluster.
/// </summary>
internal static class ClusterCertificates
{
    private const string Section = "tulu2.tls";

    /// <summary>The setup of <c>tulu2.tls { certificate, key, authority }</c> (PEM files), or null where TLS is not asked for.</summary>
    /// <exception cref="BadInputException">A file is not there or is not what it should be.</exception>
    public static DotNettySslSetup? Setup(Config config, string where)
    {
        if (!config.GetBoolean("akka.remote.dot-netty.tcp.enable-ssl")) return null;
        string File(string key) => config.HasPath($"{Section}.{key}") && config.GetString($"{Section}.{key}") is { Length: > 0 } path ? path
            : throw new BadInputException($"{where}: {Section}.{key}", "is not given, but TLS is switched on", "name a PEM file; cluster-config/tls.conf shows how");
        var (certificate, key, authority) = (File("certificate"), File("key"), File("authority"));
        try
        {
            var own = X509Certificate2.CreateFromPemFile(certificate, key);
            var root = X509CertificateLoader.LoadCertificateFromFile(authority);
            // The machine's own list of authorities does not count: whoever gets a certificate of one of those is not a node of ours.
            CertificateValidationCallback pinned = (shown, _, _, _, _) =>
            {
                if (shown is null) return false;
                using var chain = new X509Chain();
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(root);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                return chain.Build(shown);
            };
            return new DotNettySslSetup(own, suppressValidation: false, requireMutualAuthentication: true, customValidator: pinned);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"{where}: {Section}", $"the certificates cannot be used: {error.Message}",
                "name the node's certificate, its private key and the cluster's authority, all as PEM files", error);
        }
    }
}

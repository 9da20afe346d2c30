using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Network;

/// <summary>Begins mutual TLS on a connected socket: both ends show a certificate, and each decides about the other's.</summary>
internal static class TlsHandshake
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    // A connection keeps its keys for a whole generation. ChaCha20-Poly1305 sets no limit to what they encrypt, where AES-GCM advises one of 360 GiB (RFC 8446, 5.5), and where
    // processors have wide vectors it is as fast. AES is for systems that forbid it.
    private static readonly TlsCipherSuite[] Suites =
    [
        TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ];

    private static readonly CipherSuitesPolicy? Ciphers = OperatingSystem.IsLinux() ? new CipherSuitesPolicy(Suites) : null;

    /// <exception cref="RefusedException">One end does not take the other's certificate, or has no TLS.</exception>
    public static async Task<(SslStream Secure, RecordStream Records)> BeginAsync(Socket socket, PeerIdentity identity, bool listens, CancellationToken cancellation)
    {
        string? reason = null;
        var records = new RecordStream(socket);
        // The machine's authorities are not asked: what the platform finds does not count.
        var secure = new SslStream(records, leaveInnerStreamOpen: true, (_, shown, _, _) =>
        {
            using var certificate = shown is null ? null : X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
            return (reason = identity.WhyRefused(certificate)) is null;
        });
        try
        {
            var own = SslStreamCertificateContext.Create(identity.Own, additionalCertificates: null, offline: true);
            if (listens) await secure.AuthenticateAsServerAsync(Server(own), cancellation).ConfigureAwait(false);
            else await secure.AuthenticateAsClientAsync(Client(own), cancellation).ConfigureAwait(false);
            return (secure, records);
        }
        catch (Exception failed) when (failed is AuthenticationException or IOException or SocketException)
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            // Without a certificate of the other end's there is no reason of ours: it closed the connection, or does not speak TLS.
            throw reason is not null ? new RefusedException(Refusal.WrongCertificate, reason)
                : listens && failed is not AuthenticationException ? new RefusedException(null, "it closed the connection")
                : new RefusedException(Refusal.WrongCertificate, listens ? "it does not begin with TLS, or refuses this node's certificate" : "the other end has no TLS, or refuses this node's certificate");
        }
    }

    private static SslServerAuthenticationOptions Server(SslStreamCertificateContext own) => new()
    {
        ServerCertificateContext = own,
        ClientCertificateRequired = true,
        EnabledSslProtocols = Protocols,
        CipherSuitesPolicy = Ciphers,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NothingFetched(),
        // A resumed session would show no certificate anew.
        AllowTlsResume = false,
        AllowRenegotiation = false,
    };

    private static SslClientAuthenticationOptions Client(SslStreamCertificateContext own) => new()
    {
        ClientCertificateContext = own,
        EnabledSslProtocols = Protocols,
        CipherSuitesPolicy = Ciphers,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NothingFetched(),
        AllowTlsResume = false,
        AllowRenegotiation = false,
    };

    private static X509ChainPolicy NothingFetched() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };
}

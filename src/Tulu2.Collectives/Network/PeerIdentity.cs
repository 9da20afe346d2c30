using System.Security.Cryptography.X509Certificates;

namespace Tulu2.Collectives.Network;

/// <summary>What makes a data plane's TCP connections mutual TLS.</summary>
/// <param name="Own">The certificate, with its key, that this end shows, whether it connects or listens.</param>
/// <param name="WhyRefused">Why a certificate that the other end shows is refused; null: it is taken. The only judge: no authority of the machine counts. Called from any thread.</param>
public sealed record PeerIdentity(X509Certificate2 Own, Func<X509Certificate2?, string?> WhyRefused);

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tulu2.Files.Certificates;

/// <summary>Makes certificates: an authority of its own for a cluster, and its nodes' (ECDSA on P-256, SHA-256).</summary>
internal static class CertificateIssuer
{
    private const int SerialBytes = 16;
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";

    // Machines whose clocks differ a little take a certificate that was made just now.
    private static readonly TimeSpan ClockDifference = TimeSpan.FromHours(1);

    /// <returns>A certificate with its key.</returns>
    public static X509Certificate2 NewAuthority(int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=tulu2 authority", key, HashAlgorithmName.SHA256);
        // It signs certificates of nodes, and none of further authorities.
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow - ClockDifference, DateTimeOffset.UtcNow.AddDays(days));
    }

    /// <param name="name">The node's name or address.</param>
    /// <returns>A certificate with its key, which ends with the authority if that ends earlier.</returns>
    public static X509Certificate2 NewNode(X509Certificate2 authority, string name, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // Both ends of a connection show it, so it is good for both.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerUse), new Oid(ClientUse)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var (from, until) = (DateTimeOffset.UtcNow - ClockDifference, DateTimeOffset.UtcNow.AddDays(days));
        DateTimeOffset first = authority.NotBefore, last = authority.NotAfter;
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        // A positive number of full length.
        serial[0] = (byte)(serial[0] & 0x3F | 0x40);
        using var certificate = request.Create(authority, from < first ? first : from, until > last ? last : until, serial);
        return certificate.CopyWithPrivateKey(key);
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tulu2.Files.Certificates;

/// <summary>
/// Who a process of the cluster is, and whom it takes for another one: both ends of a connection show a certificate of the cluster's own authority and accept no other. The machine's
/// own authorities do not count, and nothing is fetched. Thread-safe.
/// </summary>
public sealed class ClusterIdentity
{
    private const string Make = "`tulu2 cluster certificates` makes all files";

    private readonly X509Certificate2 _authority;
    private readonly AdmittedList? _admitted;

    private ClusterIdentity(X509Certificate2 own, X509Certificate2 authority, AdmittedList? admitted) => (Own, _authority, _admitted) = (own, authority, admitted);

    /// <summary>The certificate that this process shows, with its key.</summary>
    public X509Certificate2 Own { get; }

    /// <param name="locate">The place of <c>certificate</c>, <c>key</c>, <c>authority</c> or <c>admitted</c> in the settings, for errors.</param>
    /// <exception cref="BadInputException">A file is not there, is not what it should be, or does not go with the others.</exception>
    public static ClusterIdentity Load(IdentityFiles files, Func<string, string> locate)
    {
        var authority = Read(locate, "authority", files.Authority, pem => X509Certificate2.CreateFromPem(pem));
        using var shown = Read(locate, "certificate", files.Certificate, pem => X509Certificate2.CreateFromPem(pem));
        var own = Read(locate, "key", files.Key, pem => X509Certificate2.CreateFromPem(File.ReadAllText(files.Certificate), pem), $", or not that of {files.Certificate}");
        var found = new ClusterIdentity(own, authority, files.Admitted is { } list ? new AdmittedList(list) : null);
        if (!IsNow(shown))
            throw new BadInputException(locate("certificate"), $"{files.Certificate} is valid {Times(shown)}, which is not now",
                "make a new one (`tulu2 cluster certificates --renew`), or set this machine's clock");
        if (!found.IsSigned(shown))
            throw new BadInputException(locate("certificate"), $"{files.Certificate} was not signed by {files.Authority}: no node of that authority takes it",
                $"name a certificate that the cluster's authority has signed, or the authority that signed it; {Make}");
        if (found._admitted is not null && !Read(locate, "admitted", found._admitted.Path, _ => found._admitted.Admits(shown)))
            throw new BadInputException(locate("admitted"), $"{found._admitted.Path} does not list {files.Certificate}: every node that reads the list refuses it",
                "put the certificate's line back, or make a certificate for this node (`tulu2 cluster certificates`) and copy it here");
        return found;
    }

    /// <summary>A process that takes nobody but itself, with a certificate in memory alone: for measurements.</summary>
    public static ClusterIdentity OfItself()
    {
        using var authority = CertificateIssuer.NewAuthority(days: 2);
        return new ClusterIdentity(CertificateIssuer.NewNode(authority, "localhost", days: 1), X509CertificateLoader.LoadCertificate(authority.RawData), admitted: null);
    }

    /// <summary>Why a certificate that another process shows is refused; null: it is a node of this cluster.</summary>
    public string? WhyRefused(X509Certificate2? shown)
    {
        if (shown is null) return "it shows no certificate";
        if (!IsSigned(shown)) return $"it shows a certificate of another authority ({shown.Subject})";
        if (!IsNow(shown)) return $"it shows a certificate that is valid {Times(shown)} ({shown.Subject})";
        try
        {
            return _admitted?.Admits(shown) != false ? null : $"{_admitted.Path} does not list its certificate ({shown.Subject}, {shown.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()})";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Without the list nobody is known to be admitted.
            return $"the list of certificates cannot be read: {FaultText.Of(unreadable)}";
        }
    }

    private bool IsSigned(X509Certificate2 shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        // The certificate's own time has a reason of its own; that of the authority counts here.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return IsNow(_authority) && chain.Build(shown);
    }

    private static bool IsNow(X509Certificate2 shown) => DateTime.Now is var now && now >= shown.NotBefore && now <= shown.NotAfter;

    private static string Times(X509Certificate2 shown) => $"from {shown.NotBefore:yyyy-MM-dd HH:mm} to {shown.NotAfter:yyyy-MM-dd HH:mm}";

    private static T Read<T>(Func<string, string> locate, string key, string path, Func<string, T> parse, string or = "")
    {
        try
        {
            return parse(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(locate(key), File.Exists(path) ? $"{path} cannot be read" : $"there is no file {path}", $"name a file that this user may read; {Make}", error);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new BadInputException(locate(key), $"{path} is not a {(key == "key" ? "private key" : "certificate")} as PEM{or}",
                "name the node's certificate, its private key and the cluster's authority, all as PEM files", error);
        }
    }
}

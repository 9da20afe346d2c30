using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace Tulu2.Files.Certificates;

/// <summary>What was done for a node.</summary>
public enum CertificateAct
{
    /// <summary>It has its first certificate.</summary>
    Made,

    /// <summary>It has a new one; the one before stays valid until its last day.</summary>
    Renewed,

    /// <summary>It had one, and keeps it.</summary>
    Kept,
}

/// <summary>The certificate that a node has.</summary>
/// <param name="Folder">The folder with <c>node.crt</c> and <c>node.key</c>.</param>
/// <param name="Until">The end of its validity.</param>
public sealed record NodeCertificate(string Name, CertificateAct Act, string Folder, DateTime Until);

/// <summary>
/// The folder in which a cluster's certificates are made: <c>authority.key</c>, which stays there; <c>shared/</c> (<c>authority.crt</c>, <c>admitted</c>), which every node
/// and client needs; and <c>nodes/NAME/</c> (<c>node.crt</c>, <c>node.key</c>) for one of them each. Only the user who made them can read them. Each file is whole or absent.
/// </summary>
public sealed partial class CertificateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int AuthorityDays = 3650;

    private readonly string _path;
    private readonly X509Certificate2 _authority;
    private readonly AdmittedList _admitted;

    private CertificateFolder(string path, X509Certificate2 authority) =>
        (_path, _authority, _admitted) = (path, authority, new AdmittedList(Path.Combine(path, "shared", "admitted")));

    /// <summary>The folder that every node and client needs.</summary>
    public string Shared => Path.Combine(_path, "shared");

    /// <summary>Opens a folder, or begins one with a new authority.</summary>
    /// <exception cref="BadInputException">The authority in it is incomplete, or its time is over.</exception>
    public static CertificateFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        foreach (var folder in new[] { full, Path.Combine(full, "shared"), Path.Combine(full, "nodes") }) Create(folder);
        var (certificate, key) = (Path.Combine(full, "shared", "authority.crt"), Path.Combine(full, "authority.key"));
        if (!File.Exists(certificate) && !File.Exists(key))
        {
            using var made = CertificateIssuer.NewAuthority(AuthorityDays);
            Write(key, made.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
            Write(certificate, made.ExportCertificatePem());
        }
        var authority = Pair(certificate, key) ?? throw new BadInputException(full, "has no whole authority: shared/authority.crt and authority.key are not there, or do not go together",
            "put back the missing one, or name an empty folder for a new authority, which needs new certificates for all nodes");
        if (authority.NotAfter <= DateTime.Now)
            throw new BadInputException(certificate, $"the authority was valid until {authority.NotAfter:yyyy-MM-dd}", "name an empty folder for a new authority, and make certificates for all nodes");
        return new CertificateFolder(full, authority);
    }

    /// <summary>Makes a certificate for a node that has none, or a further one.</summary>
    /// <param name="days">How long it is valid.</param>
    /// <param name="renew">Also where the node has one.</param>
    public NodeCertificate Add(string name, int days, bool renew)
    {
        Check(name);
        var folder = Path.Combine(_path, "nodes", name);
        Create(folder);
        var (certificate, key) = (Path.Combine(folder, "node.crt"), Path.Combine(folder, "node.key"));
        // A pair that an interruption has torn apart counts as none.
        using var known = Pair(certificate, key);
        if (known is not null && !renew)
        {
            _admitted.Add(name, known);
            return new NodeCertificate(name, CertificateAct.Kept, folder, known.NotAfter);
        }
        using var made = CertificateIssuer.NewNode(_authority, name, days);
        // Admitted before any node can show it.
        _admitted.Add(name, made);
        Write(key, made.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Write(certificate, made.ExportCertificatePem());
        return new NodeCertificate(name, known is null ? CertificateAct.Made : CertificateAct.Renewed, folder, made.NotAfter);
    }

    /// <summary>Takes all certificates of a node off the list, and deletes its files.</summary>
    /// <returns>How many of its certificates were admitted.</returns>
    /// <exception cref="BadInputException">There is no such node.</exception>
    public int Remove(string name)
    {
        Check(name);
        var folder = Path.Combine(_path, "nodes", name);
        var removed = _admitted.Remove(name);
        if (removed == 0 && !Directory.Exists(folder)) throw new BadInputException(_path, $"has no certificate of a node '{name}'", $"see {_admitted.Path} for the names");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return removed;
    }

    /// <exception cref="BadInputException">It cannot be the name of a node.</exception>
    public static void Check(string name)
    {
        if (!Name().IsMatch(name))
            throw new BadInputException(name.Length == 0 ? "--node" : name, "is not the name of a machine", "use the name or address under which the other nodes reach it: letters, digits, '.', '-', '_' and ':'");
    }

    private static X509Certificate2? Pair(string certificate, string key)
    {
        try
        {
            return File.Exists(certificate) && File.Exists(key) ? X509Certificate2.CreateFromPemFile(certificate, key) : null;
        }
        catch (Exception torn) when (torn is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static void Write(string path, string pem) => AtomicFile.WriteSecret(path, $"{pem}\n");

    private static void Create(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly);
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$")]
    private static partial Regex Name();
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tulu2.Files.Certificates;

/// <summary>
/// A file that names the certificates of a cluster that are taken, one a line: SHA-256 of the certificate, name, end of its validity. It is read anew for each connection, so that a
/// line that is removed counts from the next connection on.
/// </summary>
internal sealed class AdmittedList(string path)
{
    private const int HashDigits = 64;

    private const string Beginning = """
        # The certificates that nodes of this cluster take from each other, one a line: SHA-256 of the certificate, name, last day. Whoever's line is removed is refused from the
        # next connection on, by every node that reads this file.

        """;

    public string Path => path;

    /// <summary>Whether the file has a line for a certificate. What is no such line admits nobody.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be read.</exception>
    public bool Admits(X509Certificate2 shown)
    {
        var hash = HashOf(shown);
        return File.ReadLines(path).Any(line => string.Equals(First(line), hash, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Adds a certificate, and drops those whose time is over.</summary>
    public void Add(string name, X509Certificate2 certificate)
    {
        var line = $"{HashOf(certificate)} {name} {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}";
        Write([.. Lines().Where(known => !IsOver(known) && First(known) != HashOf(certificate)), line]);
    }

    /// <summary>Removes the certificates of a name.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(string name)
    {
        var lines = Lines();
        string[] kept = [.. lines.Where(line => NameOf(line) != name)];
        if (kept.Length < lines.Count) Write(kept);
        return lines.Count - kept.Length;
    }

    private void Write(IEnumerable<string> lines) => AtomicFile.WriteSecret(path, $"{Beginning}{string.Concat(lines.Select(line => $"{line}\n"))}");

    // Comments are this class's own, and are written again.
    private List<string> Lines() => File.Exists(path) ? [.. File.ReadLines(path).Where(line => First(line).Length == HashDigits)] : [];

    private static string HashOf(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    private static string First(string line) => Words(line).FirstOrDefault() ?? "";

    private static string NameOf(string line) => Words(line).ElementAtOrDefault(1) ?? "";

    private static bool IsOver(string line) =>
        DateOnly.TryParseExact(Words(line).ElementAtOrDefault(2), "yyyy-MM-dd", out var last) && last < DateOnly.FromDateTime(DateTime.UtcNow);

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}

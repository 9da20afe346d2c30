using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tulu2.Files;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Access;

/// <summary>The keys that a server takes. They are compared as hashes and in constant time, so that an answer's time tells nothing of a key.</summary>
internal sealed class ApiKeys(IReadOnlyList<string> keys)
{
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    /// <exception cref="ApiException">The request has no key, or a wrong one.</exception>
    public void Check(HttpRequest request)
    {
        if (_hashes.Length == 0) return;
        var given = request.Headers.Authorization.ToString();
        if (!given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Refused("You didn't provide an API key: send it in the header 'Authorization: Bearer KEY'.");
        if (!IsKnown(given[Scheme.Length..].Trim())) throw Refused("Incorrect API key provided.");
    }

    private bool IsKnown(string key)
    {
        var hash = Hash(key);
        var known = false;
        // Without an early end.
        foreach (var other in _hashes) known |= CryptographicOperations.FixedTimeEquals(hash, other);
        return known;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static ApiException Refused(string message) => new(StatusCodes.Status401Unauthorized, message, null, "invalid_api_key");
}

/// <summary>A file with one key a line; empty lines and those that begin with # are comments.</summary>
public static class ApiKeyFile
{
    /// <param name="remark">Called where others than the owner may read the file.</param>
    /// <exception cref="BadInputException">The file cannot be read, or has no key.</exception>
    public static IReadOnlyList<string> Read(string path, Action<string>? remark = null)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "give a file with one key a line", failure);
        }
        var keys = lines.Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToList();
        if (keys.Count == 0) throw new BadInputException(path, "has no key", "write one key a line, such as the output of `openssl rand -hex 32`");
        if (keys.Find(key => key.Any(letter => letter is < '!' or > '~')) is not null)
            throw new BadInputException(path, "has a key that no HTTP header can carry", "use letters, digits and signs of ASCII, without spaces");
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            remark?.Invoke($"{path}: others can read the keys; `chmod 600` prevents it");
        return keys;
    }
}

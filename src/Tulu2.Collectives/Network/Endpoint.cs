using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Tulu2.Collectives.Network;

/// <summary>The address a rank listens on: <c>tcp://host:port?host-id=...</c>. Ranks with the same host id can try shared memory.</summary>
internal sealed record Endpoint(string Host, int Port, string HostId)
{
    /// <summary>Identifies this machine, or container, until it restarts; the same for all its processes.</summary>
    public static string ThisHost { get; } = FindHost();

    public override string ToString() => $"tcp://{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port.ToString(CultureInfo.InvariantCulture)}?host-id={HostId}";

    /// <exception cref="FormatException"/>
    public static Endpoint Parse(string text)
    {
        const string name = "?host-id=";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme != "tcp" || address.Port < 1 || address.Host.Length == 0
            || (address.Query.Length > 0 && !address.Query.StartsWith(name, StringComparison.Ordinal)))
            throw new FormatException($"'{text}' is not an endpoint of the form tcp://host:port{name}...");
        return new Endpoint(address.Host.Trim('[', ']'), address.Port, address.Query.Length > 0 ? address.Query[name.Length..] : "");
    }

    public async ValueTask<EndPoint[]> ResolveAsync(CancellationToken cancellation) => IPAddress.TryParse(Host, out var address)
        ? [new IPEndPoint(address, Port)]
        : [.. (await Dns.GetHostAddressesAsync(Host, cancellation).ConfigureAwait(false)).Select(found => new IPEndPoint(found, Port))];

    // Shared memory needs the same kernel and the same process ids; network namespaces count as separate machines, as containers do.
    private static string FindHost()
    {
        const string bootId = "/proc/sys/kernel/random/boot_id";
        try
        {
            var host = $"{File.ReadAllText(bootId).Trim()} {new FileInfo("/proc/self/ns/net").LinkTarget} {new FileInfo("/proc/self/ns/pid").LinkTarget}";
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(host)).AsSpan(0, 8));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException) { return Guid.NewGuid().ToString("n"); }
    }
}

using System.Net;
using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Access;

/// <summary>
/// A server for this machine alone, without keys, answers to its own names only. A page in a browser here could otherwise give its own name this machine's
/// address (DNS rebinding), and use the server as if it were its own.
/// </summary>
internal sealed class LocalHosts(ServerSettings settings)
{
    private readonly bool _applies = settings.Keys.Count == 0 && IPAddress.IsLoopback(settings.Address);

    /// <exception cref="ApiException">The request is for a host of another name.</exception>
    public void Check(HttpRequest request)
    {
        if (!_applies || IsLocal(request.Host.Host)) return;
        throw new ApiException(StatusCodes.Status403Forbidden,
            "This server answers to localhost and 127.0.0.1 only: with an API key, it answers to every name.", null, "host_not_allowed");
    }

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}

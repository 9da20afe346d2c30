using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Tulu2.Files;

namespace Tulu2.Hub.Http;

/// <summary>A fault of the connection, which another try may not meet.</summary>
internal static class NetworkFault
{
    /// <summary>What a request met, in words. Null: no fault of the connection.</summary>
    public static string? Of(Exception fault) => fault switch
    {
        HttpRequestException { InnerException: AuthenticationException tls } => $"there is no secure connection ({FirstLine(tls.Message)})",
        HttpRequestException { InnerException: { } inner } when Of(inner) is { } known => known,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "there is no host of that name",
        HttpRequestException => "the connection broke off",
        SocketException or IOException { InnerException: SocketException } => FaultText.Of(fault),
        HttpIOException or EndOfStreamException => "the connection broke off",
        IOException => "the connection broke off",
        TimeoutException => "nothing came for too long",
        _ => null,
    };

    /// <summary>There was no connection to begin with: no network, no such host, nobody listening.</summary>
    public static bool IsUnreachable(Exception? fault) =>
        fault is HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError,
        };

    /// <summary>Bytes of the range <c>bytes FIRST-LAST/SIZE</c> that an answer has. Null: it has none.</summary>
    public static (long From, long To, long? Size)? RangeOf(ContentRangeHeaderValue? range) =>
        range is { Unit: "bytes", From: { } from, To: { } to } ? (from, to + 1, range.Length) : null;

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd('.');
}

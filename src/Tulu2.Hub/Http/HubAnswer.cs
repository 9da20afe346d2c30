using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Tulu2.Hub.Http;

/// <summary>What an answer of the hub says besides its content.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="IsHub">It comes from the hub itself; false: from an address that the hub led to, which is signed and holds for a while.</param>
/// <param name="ErrorCode">The hub's X-Error-Code, such as GatedRepo.</param>
/// <param name="ErrorMessage">The hub's X-Error-Message.</param>
/// <param name="Wait">How long the server asks to wait.</param>
internal sealed partial record HubAnswer(int Status, bool IsHub, string? ErrorCode = null, string? ErrorMessage = null, TimeSpan? Wait = null)
{
    public static HubAnswer Of(HttpResponseMessage response, bool isHub, DateTimeOffset now) =>
        new((int)response.StatusCode, isHub, Header(response, "X-Error-Code"), Header(response, "X-Error-Message"), WaitOf(response.Headers, now));

    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;

    /// <summary>
    /// Seconds of the header <c>RateLimit: "api";r=0;t=55</c> (draft-ietf-httpapi-ratelimit-headers), where nothing remains. Null: it says nothing of the
    /// kind.
    /// </summary>
    internal static TimeSpan? RateLimit(string? header) =>
        header is not null && Remaining().Match(header) is { Success: true } found && found.Groups[1].Value.All(digit => digit == '0')
        && double.TryParse(found.Groups[2].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, 1e6)) : null;

    private static TimeSpan? WaitOf(HttpResponseHeaders headers, DateTimeOffset now)
    {
        var asked = headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - now,
            _ => RateLimit(headers.TryGetValues("RateLimit", out var values) ? values.FirstOrDefault() : null),
        };
        return asked is { } wait ? TimeSpan.FromTicks(Math.Max(0, wait.Ticks)) : null;
    }

    [GeneratedRegex(@";\s*r\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)")]
    private static partial Regex Remaining();
}

namespace Tulu2.Tests.Hub.Server;

/// <summary>A request as the loopback hub got it.</summary>
/// <param name="IsContent">At the second address, where large files are.</param>
internal sealed record HubRequest(string Method, string Path, bool IsContent, IReadOnlyDictionary<string, string> Headers)
{
    public string? Token => Headers.GetValueOrDefault("authorization");

    public (long From, long To)? Range => Headers.GetValueOrDefault("range") is { } range && range["bytes=".Length..].Split('-') is [var from, var to]
        ? (long.Parse(from), long.Parse(to) + 1) : null;
}

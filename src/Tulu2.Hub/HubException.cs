namespace Tulu2.Hub;

/// <summary>
/// The hub, or the network on the way to it, does not do its part, and trying again did not help. Nothing that the user gave is at fault: exit code 1. What was
/// fetched so far is kept.
/// </summary>
/// <param name="where">The repository, file or address.</param>
/// <param name="what">What went wrong, in lower case and without a full stop.</param>
/// <param name="fix">What the user can do about it.</param>
public sealed class HubException(string where, string what, string fix, Exception? inner = null) : Exception($"{where}: {what}", inner)
{
    public string Where { get; } = where;
    public string What { get; } = what;
    public string Fix { get; } = fix;
}

using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Shards;

/// <summary>Where a shard server listens.</summary>
public sealed record ShardAddress(string Host, int Port)
{
    public override string ToString() => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <param name="where">For the fault.</param>
    /// <param name="text">host:port, with an IPv6 address in brackets.</param>
    /// <exception cref="BadInputException">It is none.</exception>
    public static ShardAddress Parse(string where, string text) =>
        Uri.TryCreate($"tcp://{text}", UriKind.Absolute, out var address) && address is { Port: > 0, PathAndQuery: "/", UserInfo: "" } && address.Host.Length > 0
            ? new ShardAddress(address.Host.Trim('[', ']'), address.Port)
            : throw new BadInputException(where, $"'{text}' is not of the form host:port", "give the address of a machine and the port of its shard server");
}

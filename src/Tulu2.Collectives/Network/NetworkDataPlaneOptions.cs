using System.Net;

namespace Tulu2.Collectives.Network;

/// <summary>How ranks of different processes reach each other.</summary>
public enum Transport
{
    /// <summary>Shared memory between ranks of one host, TCP between others.</summary>
    Auto,

    /// <summary>TCP for all.</summary>
    Tcp,
}

/// <summary>What a data plane needs to know.</summary>
public sealed record NetworkDataPlaneOptions
{
    /// <summary>The run's secret, the same for all its ranks; at least 16 bytes.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Where to listen; port 0 takes a free one.</summary>
    public IPEndPoint ListenAddress { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The name or address under which peers reach this host; null: the one listened on.</summary>
    public string? AdvertisedHost { get; init; }

    public Transport Transport { get; init; } = Transport.Auto;

    /// <summary>Told of each connection that was refused or broken, one line each. Called from any thread.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>How long one attempt to connect may take, and how long a connection may take to say who it is.</summary>
    public TimeSpan ConnectDeadline { get; init; } = TimeSpan.FromSeconds(5);
}

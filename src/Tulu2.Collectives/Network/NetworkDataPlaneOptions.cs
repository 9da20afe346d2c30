using System.Net;

namespace Tulu2.Collectives.Network;

/// <summary>How ranks in different processes exchange data.</summary>
public enum Transport
{
    /// <summary>Shared memory between ranks of one host, TCP between others.</summary>
    Auto,

    /// <summary>TCP between all ranks.</summary>
    Tcp,
}

/// <summary>Options of a data plane.</summary>
public sealed record NetworkDataPlaneOptions
{
    /// <summary>The run's secret key, the same for all its ranks; at least 16 bytes.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The address to listen on; port 0 selects a free port.</summary>
    public IPEndPoint ListenAddress { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The name or address under which peers reach this host; null for the address listened on.</summary>
    public string? AdvertisedHost { get; init; }

    public Transport Transport { get; init; } = Transport.Auto;

    /// <summary>Makes every connection mutual TLS, on all ranks alike; null: none is encrypted.</summary>
    public PeerIdentity? Identity { get; init; }

    /// <summary>Receives lines about connections that were refused or broken; of many that are alike a count. Called from any thread.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Decides when alike refusals are counted together.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Time limit of one attempt to connect, and of the handshake of an incoming connection.</summary>
    public TimeSpan ConnectDeadline { get; init; } = TimeSpan.FromSeconds(5);
}

using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Akka.Configuration;
using Tulu2.Files;

namespace Tulu2.Cluster.Configuration;

/// <summary>The name and port under which the other nodes reach this one; tried before the actor system starts, for clearer errors.</summary>
internal static class ListenAddress
{
    private const string Section = "akka.remote.dot-netty.tcp";
    private const string HostKey = $"{Section}.hostname";
    private const string PublicHostKey = $"{Section}.public-hostname";
    private const string PortKey = $"{Section}.port";

    /// <returns>The address for other nodes; port 0: any free one.</returns>
    /// <exception cref="BadInputException">This machine cannot listen there, or no node would reach it.</exception>
    public static (string Host, int Port) Check(NodeSettings settings, Config config)
    {
        var host = config.GetString(HostKey);
        var known = config.GetString(PublicHostKey);
        var port = Port(settings, config, PortKey);
        var addresses = Resolve(host);
        if (addresses.Length == 0)
            throw new BadInputException(settings.Locate(HostKey), $"'{host}' is not a name that this machine knows", $"write {Suggested()}");
        if (string.IsNullOrEmpty(known) && addresses.Any(IsAny))
            throw new BadInputException(settings.Locate(HostKey), $"'{host}' stands for every address of this machine: under it no other node finds this one",
                $"write {Suggested()}; or keep it to listen everywhere, and write that into {PublicHostKey}");
        if (!addresses.Any(address => CanListen(address, port, out var error) || Refuse(settings, host, port, error)))
            throw new BadInputException(settings.Locate(HostKey), $"'{host}' is no address of this machine{(IPAddress.TryParse(host, out _) ? "" : $" (it is {string.Join(", ", addresses.AsEnumerable())})")}",
                $"write {Suggested()}");
        var publicPort = config.HasPath($"{Section}.public-port") ? Port(settings, config, $"{Section}.public-port") : 0;
        return (string.IsNullOrEmpty(known) ? host : known, publicPort > 0 ? publicPort : port);
    }

    /// <summary>The key and value of an address at which other machines reach this node, or its ranks' data plane; null: it listens on loopback alone.</summary>
    public static (string Key, string Host)? BeyondLoopback(Config config)
    {
        // Ranks listen at the address under which the node is known.
        foreach (var key in new[] { HostKey, PublicHostKey })
            if (config.HasPath(key) && config.GetString(key) is { Length: > 0 } host && !(Resolve(host) is { Length: > 0 } addresses && addresses.All(IPAddress.IsLoopback)))
                return (key, host);
        return null;
    }

    /// <summary>Two names lead to the same machine.</summary>
    public static bool IsSame(string one, string other) => Resolve(one).Intersect(Resolve(other)).Any();

    private static int Port(NodeSettings settings, Config config, string key) =>
        int.TryParse(config.GetString(key), out var port) && port is >= 0 and <= 65535 ? port
            : throw new BadInputException(settings.Locate(key), $"wants a port, not '{config.GetString(key)}'", "write a number between 1 and 65535, or 0 for any free one");

    private static IPAddress[] Resolve(string host)
    {
        try
        {
            // As the transport does, which is configured without IPv6.
            return IPAddress.TryParse(host, out var address) ? [address] : Dns.GetHostAddresses(host, AddressFamily.InterNetwork);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            return [];
        }
    }

    private static bool CanListen(IPAddress address, int port, out SocketError error)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(1);
            error = SocketError.Success;
            return true;
        }
        catch (SocketException refused)
        {
            error = refused.SocketErrorCode;
            return false;
        }
    }

    // What another address of the same name would not help either.
    private static bool Refuse(NodeSettings settings, string host, int port, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => throw new BadInputException(settings.Locate(PortKey), $"{port} on {host} is taken by another process",
            "end that one (another node?), or write another port, also where the other nodes name this one as a seed node"),
        SocketError.AccessDenied => throw new BadInputException(settings.Locate(PortKey), $"{port} is not for this user",
            "write a port from 1024 on, also where the other nodes name this one as a seed node"),
        _ => false,
    };

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static string Suggested()
    {
        var address = NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address).FirstOrDefault(each => each.AddressFamily == AddressFamily.InterNetwork);
        return $"this machine's name or address as the other nodes reach it, such as {(address is null ? "" : $"{address} or ")}{Dns.GetHostName()}; 127.0.0.1 where all are on this machine";
    }
}

using System.Net;
using System.Net.Sockets;

namespace Tulu2.Collectives.Links;

/// <summary>Socket options of the data plane's connections.</summary>
internal static class SocketSettings
{
    private const int Tcp = 6, CongestionControl = 13;

    /// <summary>Sets the options of a connected socket, at either end.</summary>
    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        if (!OperatingSystem.IsLinux() || !IsWithinHost(socket)) return;
        // Within a host no network path is shared, but the default congestion control may still pace sends: bbr does, at a quarter of the bandwidth lost.
        try { socket.SetRawSocketOption(Tcp, CongestionControl, "reno"u8); }
        catch (SocketException) { }
    }

    private static bool IsWithinHost(Socket socket) =>
        socket is { LocalEndPoint: IPEndPoint here, RemoteEndPoint: IPEndPoint there }
        && (IPAddress.IsLoopback(there.Address) || there.Address.Equals(here.Address));
}

using System.Net;
using System.Net.Sockets;

namespace Tulu2.Collectives.Tcp;

/// <summary>How the data plane's connections are set.</summary>
internal static class SocketSettings
{
    private const int Tcp = 6, CongestionControl = 13;

    /// <summary>To a connected socket, at either end.</summary>
    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        if (!OperatingSystem.IsLinux() || !IsWithinHost(socket)) return;
        // There is no path to share within a host. The system's own choice may pace what is sent (bbr does), which costs a quarter of the bandwidth here.
        try { socket.SetRawSocketOption(Tcp, CongestionControl, "reno"u8); }
        catch (SocketException) { }
    }

    private static bool IsWithinHost(Socket socket) =>
        socket is { LocalEndPoint: IPEndPoint here, RemoteEndPoint: IPEndPoint there } && (IPAddress.IsLoopback(there.Address) || there.Address.Equals(here.Address));
}

using System.Net;
using System.Net.Sockets;

namespace Tulu2.Collectives.Links;

/// <summary>Socket options of the data plane's connections.</summary>
internal static class SocketSettings
{
    private const int Tcp = 6, CongestionControl = 13;

    // A peer whose kernel does not answer for 20 seconds is gone; a process that is stopped is not.
    private const int KeepAliveSeconds = 5, KeepAliveTries = 3;

    /// <summary>Sets the options of a connected socket, at either end.</summary>
    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        // A machine that vanishes says nothing. Its peers notice on the link that carries no data: where some is on its way, the kernel tries for a quarter of an hour.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveTries);
        if (!OperatingSystem.IsLinux() || !IsWithinHost(socket)) return;
        // Within a host no network path is shared, but the default congestion control may still pace sends: bbr does, at a quarter of the bandwidth lost.
        try { socket.SetRawSocketOption(Tcp, CongestionControl, "reno"u8); }
        catch (SocketException) { }
    }

    private static bool IsWithinHost(Socket socket) =>
        socket is { LocalEndPoint: IPEndPoint here, RemoteEndPoint: IPEndPoint there }
        && (IPAddress.IsLoopback(there.Address) || there.Address.Equals(here.Address));
}

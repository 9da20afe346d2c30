namespace Tulu2.Collectives.Measurement;

/// <summary>How fast one all-reduce was.</summary>
/// <param name="Transport">in-process, shared memory or tcp.</param>
/// <param name="Bytes">Of each rank's buffer.</param>
/// <param name="Moved">Bytes that have to go from one rank to another, all ranks together: 2 (ranks - 1) times the buffer.</param>
/// <param name="Seconds">The best of several.</param>
/// <param name="MemcpySeconds">As many threads as ranks copying <paramref name="Moved"/> bytes in all, from and to memory as large as the buffers.</param>
/// <param name="SocketSeconds">The same bytes through plain loopback connections, one from each rank to the next, from memory that never leaves the cache.</param>
/// <param name="StreamSeconds">The same through connections set as the data plane's, from and to the ranks' buffers.</param>
public sealed record AllReduceMeasurement(string Transport, int Ranks, long Bytes, long Moved, double Seconds, double MemcpySeconds, double SocketSeconds,
    double StreamSeconds)
{
    /// <summary>Bytes moved a second, all ranks together.</summary>
    public double BytesPerSecond => Moved / Seconds;

    public double MemcpyBytesPerSecond => Moved / MemcpySeconds;
    public double SocketBytesPerSecond => Moved / SocketSeconds;
    public double StreamBytesPerSecond => Moved / StreamSeconds;

    /// <summary>The part reached of what the transport's own bound allows: a plain socket for TCP, a copy of memory for the others.</summary>
    public double BoundShare => (Transport == "tcp" ? SocketSeconds : MemcpySeconds) / Seconds;
}

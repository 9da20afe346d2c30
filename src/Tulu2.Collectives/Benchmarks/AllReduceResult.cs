namespace Tulu2.Collectives.Benchmarks;

/// <summary>Speed of an all-reduce over one transport.</summary>
/// <param name="Transport">in-process, shared memory, tcp or tcp with TLS.</param>
/// <param name="Bytes">Bytes of each rank's buffer.</param>
/// <param name="Moved">Bytes that have to move between ranks, all ranks together: 2 (ranks - 1) times the buffer.</param>
/// <param name="Seconds">The best of several rounds, as for the other times.</param>
/// <param name="MemcpySeconds">As many threads as ranks, copying <paramref name="Moved"/> bytes in all between buffers as large as the ranks'.</param>
/// <param name="SocketSeconds">The same bytes through plain loopback connections, one from each rank to the next, from memory that stays in the cache.</param>
/// <param name="StreamSeconds">The same through connections with the data plane's socket options, from and to the ranks' buffers.</param>
public sealed record AllReduceResult(string Transport, int Ranks, long Bytes, long Moved, double Seconds, double MemcpySeconds, double SocketSeconds,
    double StreamSeconds)
{
    /// <summary>Bytes moved per second, all ranks together.</summary>
    public double BytesPerSecond => Moved / Seconds;

    public double MemcpyBytesPerSecond => Moved / MemcpySeconds;
    public double SocketBytesPerSecond => Moved / SocketSeconds;
    public double StreamBytesPerSecond => Moved / StreamSeconds;

    /// <summary>Fraction of the transport's bound that is reached: a plain socket for TCP, a memory copy for the others.</summary>
    public double BoundShare => (Transport.StartsWith("tcp", StringComparison.Ordinal) ? SocketSeconds : MemcpySeconds) / Seconds;
}

using System.Diagnostics;
using System.Security.Cryptography;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Network;

namespace Tulu2.Collectives.Benchmarks;

/// <summary>
/// Measures an all-reduce by the slot tree, one slot per rank, between ranks that are threads with a data plane each, and beside it a memory copy and plain
/// sockets. They take turns, so that other load on the machine affects all alike, and the best time of each counts.
/// </summary>
public static class AllReduceBenchmark
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    // The first calls connect the ranks and run code that the runtime has not optimized yet; the copies need neither.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);

    /// <summary>One result per transport.</summary>
    /// <param name="bytes">Bytes of each rank's buffer.</param>
    /// <param name="rounds">Number of times each is measured; small buffers are measured more often.</param>
    /// <param name="identity">For TCP with TLS.</param>
    public static IReadOnlyList<AllReduceResult> Run(int ranks, long bytes, int rounds, PeerIdentity identity)
    {
        (string Name, Func<ICollectiveFactory[]> Create)[] transports =
        [
            ("in-process", () => [.. Enumerable.Repeat(new InProcessDataPlane(), ranks)]),
            ("shared memory", () => Planes(ranks, Transport.Auto)),
            ("tcp", () => Planes(ranks, Transport.Tcp)),
            ("tcp with TLS", () => Planes(ranks, Transport.Tcp, identity)),
        ];
        rounds = (int)Math.Clamp(rounds * (16L << 20) / bytes, rounds, 20L * rounds);
        var moved = 2 * (ranks - 1) * bytes;
        using var buffers = new RankBuffers(ranks, bytes);
        using var sockets = new LoopbackCopies(ranks, moved / ranks);
        using var streams = new LoopbackCopies(buffers.Sources, buffers.Results, bytes, moved / ranks);
        using var team = new ThreadTeam(ranks);
        var results = new List<AllReduceResult>();
        foreach (var (name, create) in transports)
        {
            var planes = create();
            try
            {
                string[] endpoints = [.. planes.Select(plane => plane.Endpoint)];
                var collectives = planes.Select((plane, rank) => plane.Join(1, rank, endpoints)).ToArray();
                for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;) Reduce(collectives, Math.Min(bytes, 1 << 20));
                double best = double.MaxValue, copied = double.MaxValue, sent = double.MaxValue, streamed = double.MaxValue;
                for (var round = 0; round < rounds; round++)
                {
                    best = Math.Min(best, Reduce(collectives, bytes));
                    copied = Math.Min(copied, team.Time(rank => buffers.Copy(rank, moved / ranks)));
                    sent = Math.Min(sent, sockets.Time());
                    streamed = Math.Min(streamed, streams.Time());
                }
                results.Add(new AllReduceResult(name, ranks, bytes, moved, best, copied, sent, streamed));
                foreach (var collective in collectives) collective.Dispose();
            }
            finally
            {
                foreach (var plane in planes.OfType<IDisposable>()) plane.Dispose();
            }
        }
        return results;

        double Reduce(ICollective[] collectives, long size)
        {
            var length = size / sizeof(float);
            return team.Time(rank => collectives[rank].TreeSum(ranks, [new PartialSum(new SlotRange(rank, 1), buffers.Sources[rank], length)],
                new ElementRange(0, length), buffers.Results[rank], length, Deadline));
        }
    }

    private static ICollectiveFactory[] Planes(int ranks, Transport transport, PeerIdentity? identity = null)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        return [.. Enumerable.Range(0, ranks).Select(_ => new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key, Transport = transport, Identity = identity }))];
    }
}

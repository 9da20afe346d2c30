using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Network;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>Ranks that are threads, each with a data plane of its own like a process.</summary>
internal static class Ranks
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    public static readonly byte[] Key = [.. Enumerable.Range(7, 32).Select(number => (byte)number)];

    public static NetworkDataPlane Plane(Transport transport, Action<string>? log = null, byte[]? key = null, TimeSpan? connect = null, PeerIdentity? identity = null) =>
        new(new NetworkDataPlaneOptions { Key = key ?? Key, Transport = transport, Log = log, ConnectDeadline = connect ?? TimeSpan.FromSeconds(5), Identity = identity });

    /// <param name="transport">Null for the in-process data plane, the reference.</param>
    /// <param name="barrier">The ranks leave together.</param>
    public static T[] Run<T>(int ranks, Transport? transport, Func<ICollective, T> work, bool barrier = true, PeerIdentity? identity = null)
    {
        var shared = new InProcessDataPlane();
        ICollectiveFactory[] planes = [.. Enumerable.Range(0, ranks).Select(ICollectiveFactory (_) => transport is { } kind ? Plane(kind, identity: identity) : shared)];
        try
        {
            return Run(planes, 1, work, barrier);
        }
        finally
        {
            foreach (var plane in planes.OfType<IDisposable>()) plane.Dispose();
        }
    }

    public static T[] Run<T>(ICollectiveFactory[] planes, long generation, Func<ICollective, T> work, bool barrier = true)
    {
        string[] endpoints = [.. planes.Select(plane => plane.Endpoint)];
        var errors = new ConcurrentQueue<Exception>();
        var results = new T[planes.Length];
        var threads = planes.Select((plane, rank) => new Thread(() =>
        {
            try
            {
                using var collective = plane.Join(generation, rank, endpoints);
                results[rank] = work(collective);
                if (barrier) collective.Barrier(Deadline);
            }
            catch (Exception error) { errors.Enqueue(error); }
        })
        { IsBackground = true }).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads)
            if (!thread.Join(TimeSpan.FromMinutes(1))) throw new TimeoutException("a rank hangs");
        return errors.IsEmpty ? results : throw new AggregateException(errors);
    }

    public static void Pinned(Array[] arrays, Action<nint[]> use)
    {
        var handles = arrays.Select(array => GCHandle.Alloc(array, GCHandleType.Pinned)).ToArray();
        try { use([.. handles.Select(handle => handle.AddrOfPinnedObject())]); }
        finally { foreach (var handle in handles) handle.Free(); }
    }
}

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Network;

namespace Tulu2.Collectives.Measurement;

/// <summary>
/// All-reduce by the slot tree, one slot a rank, between ranks that are threads with a data plane each, beside a plain copy and plain sockets. The three take turns, so
/// that what else the machine does hits them alike, and the best time of each counts.
/// </summary>
public static unsafe class AllReduceBenchmark
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    // The first calls make the connections and run code that the runtime has not optimized yet; the copies beside need neither.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);

    /// <param name="rounds">Times that each is measured; small buffers are measured more often.</param>
    public static IReadOnlyList<AllReduceMeasurement> Run(int ranks, long bytes, int rounds)
    {
        using var memory = new Buffers(ranks, bytes);
        (string Name, Func<ICollectiveFactory[]> Make)[] transports =
        [
            ("in-process", () => [.. Enumerable.Repeat(new InProcessDataPlane(), ranks)]),
            ("shared memory", () => Planes(ranks, Transport.Auto)),
            ("tcp", () => Planes(ranks, Transport.Tcp)),
        ];
        rounds = (int)Math.Clamp(rounds * (16L << 20) / bytes, rounds, 20L * rounds);
        var moved = 2 * (ranks - 1) * bytes;
        var results = new List<AllReduceMeasurement>();
        using var sockets = new LoopbackCopies(ranks, moved / ranks);
        using var streams = new LoopbackCopies(memory.Sources, memory.Results, bytes, moved / ranks);
        using var crew = new Crew(ranks);
        foreach (var (name, make) in transports)
        {
            var planes = make();
            try
            {
                string[] endpoints = [.. planes.Select(plane => plane.Endpoint)];
                var collectives = planes.Select((plane, rank) => plane.Join(1, rank, endpoints)).ToArray();
                double Reduce(long length) => crew.Time(rank => collectives[rank].TreeSum(ranks, [new PartialSum(new SlotRange(rank, 1), memory.Sources[rank], length)],
                    new ElementRange(0, length), memory.Results[rank], length, Deadline));
                for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;) Reduce(Math.Min(bytes, 1 << 20) / sizeof(float));
                double best = double.MaxValue, copied = double.MaxValue, sent = double.MaxValue, streamed = double.MaxValue;
                for (var round = 0; round < rounds; round++)
                {
                    best = Math.Min(best, Reduce(bytes / sizeof(float)));
                    copied = Math.Min(copied, crew.Time(rank => memory.Copy(rank, moved / ranks)));
                    sent = Math.Min(sent, sockets.Time());
                    streamed = Math.Min(streamed, streams.Time());
                }
                results.Add(new AllReduceMeasurement(name, ranks, bytes, moved, best, copied, sent, streamed));
                foreach (var collective in collectives) collective.Dispose();
            }
            finally
            {
                foreach (var plane in planes.OfType<IDisposable>()) plane.Dispose();
            }
        }
        return results;
    }

    private static ICollectiveFactory[] Planes(int ranks, Transport transport)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        return [.. Enumerable.Range(0, ranks).Select(_ => new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key, Transport = transport }))];
    }

    private sealed class Buffers : IDisposable
    {
        private readonly long _bytes;

        public Buffers(int ranks, long bytes)
        {
            _bytes = bytes;
            Sources = [.. Enumerable.Range(0, ranks).Select(rank => Rent(rank + 1))];
            Results = [.. Enumerable.Range(0, ranks).Select(_ => Rent(0))];
        }

        public nint[] Sources { get; }
        public nint[] Results { get; }

        // A little over and over where more is moved than the buffer has.
        public void Copy(int rank, long total)
        {
            for (var at = 0L; at < total; at += _bytes)
            {
                var count = Math.Min(_bytes, total - at);
                Buffer.MemoryCopy((void*)Sources[rank], (void*)Results[rank], count, count);
            }
        }

        public void Dispose()
        {
            foreach (var address in Sources.Concat(Results)) NativeMemory.AlignedFree((void*)address);
        }

        private nint Rent(float value)
        {
            var address = NativeMemory.AlignedAlloc((nuint)_bytes, 4096);
            new Span<float>(address, (int)(_bytes / sizeof(float))).Fill(value);
            return (nint)address;
        }
    }

    /// <summary>Threads that begin together; the time is until the last has ended.</summary>
    internal sealed class Crew : IDisposable
    {
        private readonly Barrier _barrier;
        private readonly Exception?[] _errors;
        private Action<int>? _work;

        public Crew(int size)
        {
            _barrier = new Barrier(size + 1);
            _errors = new Exception?[size];
            for (var member = 0; member < size; member++)
            {
                var number = member;
                new Thread(() => Run(number)) { IsBackground = true, Name = $"bench {number}" }.Start();
            }
        }

        public double Time(Action<int> work)
        {
            _work = work;
            var start = Stopwatch.GetTimestamp();
            _barrier.SignalAndWait();
            _barrier.SignalAndWait();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return Array.Find(_errors, error => error is not null) is { } error ? throw new InvalidOperationException("a rank failed", error) : seconds;
        }

        public void Dispose()
        {
            _work = null;
            _barrier.SignalAndWait();
        }

        private void Run(int number)
        {
            while (true)
            {
                _barrier.SignalAndWait();
                if (_work is not { } work) return;
                try { work(number); }
                catch (Exception error) { _errors[number] = error; }
                _barrier.SignalAndWait();
            }
        }
    }
}

using System.Diagnostics;
using Tulu2.Collectives;

namespace Tulu2.Training.Measurement;

/// <summary>Seconds that one rank spent in calls to others, waiting included, by what they are for.</summary>
internal sealed class CallTimes
{
    /// <summary>All-reduces: the model's sums over tensor-parallel ranks.</summary>
    public double Sums { get; set; }

    /// <summary>Receives from pipeline neighbours: the bubble, and the way of the bytes.</summary>
    public double Receives { get; set; }

    public double Sends { get; set; }

    /// <summary>Tree sums of gradients and what is gathered around them, waiting for slower ranks included.</summary>
    public double Reductions { get; set; }

    public CallTimes Less(CallTimes earlier) => new()
    {
        Sums = Sums - earlier.Sums,
        Receives = Receives - earlier.Receives,
        Sends = Sends - earlier.Sends,
        Reductions = Reductions - earlier.Reductions,
    };
}

/// <summary>A data plane that times its ranks' calls: a measurement needs no help from those that are measured.</summary>
internal sealed class TimedDataPlane(ICollectiveFactory inner, int ranks) : ICollectiveFactory
{
    public IReadOnlyList<CallTimes> Times { get; } = [.. Enumerable.Range(0, ranks).Select(_ => new CallTimes())];

    public string Endpoint => inner.Endpoint;

    public ICollective Join(long generation, int rank, IReadOnlyList<string> endpoints) => new Timed(inner.Join(generation, rank, endpoints), Times[rank]);

    private sealed class Timed(ICollective inner, CallTimes times) : ICollective
    {
        public long Generation => inner.Generation;
        public int Rank => inner.Rank;
        public int Size => inner.Size;

        public ICollective Group(IReadOnlyList<int> ranks) => new Timed(inner.Group(ranks), times);

        public void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            inner.TreeSum(slots, local, wanted, result, length, deadline);
            times.Reductions += Since(start);
        }

        public void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            inner.AllReduce(address, length, type, operation, deadline);
            times.Sums += Since(start);
        }

        public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            var all = inner.AllGather(local, deadline);
            times.Reductions += Since(start);
            return all;
        }

        public void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            inner.AllGather(buffer, parts, deadline);
            times.Reductions += Since(start);
        }

        public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline) =>
            inner.Broadcast(root, receivers, address, bytes, deadline);

        public void Send(int receiver, nint address, long bytes, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            inner.Send(receiver, address, bytes, deadline);
            times.Sends += Since(start);
        }

        public void Receive(int sender, nint address, long bytes, TimeSpan deadline)
        {
            var start = Stopwatch.GetTimestamp();
            inner.Receive(sender, address, bytes, deadline);
            times.Receives += Since(start);
        }

        public void Barrier(TimeSpan deadline) => inner.Barrier(deadline);

        public void Abort(string reason) => inner.Abort(reason);

        public void Dispose() => inner.Dispose();

        private static double Since(long start) => Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

using Tulu2.Collectives;

namespace Tulu2.Tests.Training.Workers;

internal sealed class ScratchPlane : ICollectiveFactory
{
    private readonly Dictionary<long, Meeting> _meetings = [];
    public ICollective Join(long generation, int rank, int size)
    {
        lock (_meetings)
        {
            foreach (var old in _meetings.Where(m => m.Key < generation)) old.Value.Abort("older");
            if (!_meetings.TryGetValue(generation, out var meeting)) _meetings[generation] = meeting = new Meeting(generation, size);
            return new Member(meeting, rank);
        }
    }
    private sealed class Meeting(long generation, int size)
    {
        private readonly object[] _items = new object[size];
        private int _count; private long _round; private string? _aborted; private object[]? _result;
        public long Generation => generation; public int Size => size;
        public void Abort(string reason) { lock (this) { _aborted ??= reason; Monitor.PulseAll(this); } }
        public object[] Meet(int rank, object item)
        {
            lock (this)
            {
                if (_aborted is not null) throw new CollectiveAbortedException(generation, _aborted);
                _items[rank] = item;
                if (++_count == size) { _count = 0; _round++; _result = [.. _items]; Monitor.PulseAll(this); return _result; }
                var round = _round;
                while (_round == round && _aborted is null) Monitor.Wait(this);
                if (_round == round) throw new CollectiveAbortedException(generation, _aborted!);
                return _result!;
            }
        }
    }
    private sealed class Member(Meeting meeting, int rank) : ICollective
    {
        public long Generation => meeting.Generation; public int Rank => rank; public int Size => meeting.Size;
        public unsafe void TreeSum(int slots, IReadOnlyList<PartialSum> local, nint result, long length, TimeSpan deadline)
        {
            var all = meeting.Meet(rank, local).SelectMany(x => (IReadOnlyList<PartialSum>)x).ToArray();
            float[] Sum(int first, int count)
            {
                foreach (var p in all) if (p.Range.First == first && p.Range.Count == count) return new Span<float>((void*)p.Address, (int)length).ToArray();
                if (count == 1) throw new InvalidOperationException("missing " + first);
                var half = 1; while (half * 2 < count) half *= 2;
                var a = Sum(first, half); var b = Sum(first + half, count - half);
                for (var i = 0; i < a.Length; i++) a[i] += b[i];
                return a;
            }
            var sum = Sum(0, slots);
            meeting.Meet(rank, 0);
            sum.CopyTo(new Span<float>((void*)result, (int)length));
        }
        public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline) => [.. meeting.Meet(rank, local.ToArray()).Select(x => (byte[])x)];
        public unsafe void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline)
        {
            var all = meeting.Meet(rank, address);
            if (receivers.Contains(rank)) Buffer.MemoryCopy((void*)(nint)all[root], (void*)address, bytes, bytes);
            meeting.Meet(rank, 0);
        }
        public void Barrier(TimeSpan deadline) => meeting.Meet(rank, 0);
        public void Abort(string reason) => meeting.Abort(reason);
        public void Dispose() { }
    }
}

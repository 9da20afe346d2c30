using System.Diagnostics;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Divides a rank's element-wise work among threads, which stay from one step to the next. A rank on a processor has one, because its cores have ranks of their own;
/// beside a GPU there are more cores than ranks. Which thread does what changes no bit: pieces end at multiples of 16 elements, where the kernels' vector bodies do.
/// </summary>
/// <param name="count">Threads, counting the caller's own.</param>
internal sealed class HostThreads(int count) : IDisposable
{
    private const long Grain = 1 << 16;

    // Threads of their own: the pool's are for work that does not block. Started by the first work that is large enough for them.
    private readonly List<Helper> _helpers = [];

    public static HostThreads One { get; } = new(1);

    /// <summary>Calls <paramref name="work"/> with ranges (first, count) that make up 0..length-1, concurrently, and returns when all are done.</summary>
    /// <exception cref="AggregateException">What the calls threw, where there is more than one thread.</exception>
    public void Run(long length, Action<long, long> work)
    {
        Debug.Assert(Grain % 16 == 0);
        var pieces = (int)Math.Clamp(length / Grain, 1, count);
        if (pieces == 1)
        {
            work(0, length);
            return;
        }
        long First(int piece) => piece == pieces ? length : length / pieces * piece / Grain * Grain;
        void Do(int piece) => work(First(piece), First(piece + 1) - First(piece));
        while (_helpers.Count < pieces - 1) _helpers.Add(new Helper());
        for (var piece = 1; piece < pieces; piece++)
        {
            var own = piece;
            _helpers[own - 1].Begin(() => Do(own));
        }
        var faults = new List<Exception>();
        if (Helper.Try(() => Do(0)) is { } mine) faults.Add(mine);
        for (var piece = 1; piece < pieces; piece++)
            if (_helpers[piece - 1].Await() is { } fault) faults.Add(fault);
        if (faults.Count > 0) throw new AggregateException(faults);
    }

    /// <summary>Ends the threads. Not during <see cref="Run"/>.</summary>
    public void Dispose()
    {
        foreach (var helper in _helpers) helper.Dispose();
        _helpers.Clear();
    }

    /// <summary>A thread that does one piece of work at a time.</summary>
    private sealed class Helper : IDisposable
    {
        private readonly SemaphoreSlim _begun = new(0), _done = new(0);
        private readonly Thread _thread;
        private Action? _work;
        private Exception? _fault;

        public Helper()
        {
            _thread = new Thread(Loop) { IsBackground = true, Name = "tulu2 host work" };
            _thread.Start();
        }

        public void Begin(Action work)
        {
            _work = work;
            _begun.Release();
        }

        /// <returns>What the work threw; null: nothing.</returns>
        public Exception? Await()
        {
            _done.Wait();
            return _fault;
        }

        public static Exception? Try(Action work)
        {
            try
            {
                work();
                return null;
            }
            catch (Exception fault)
            {
                return fault;
            }
        }

        public void Dispose()
        {
            _work = null;
            _begun.Release();
            _thread.Join();
            _begun.Dispose();
            _done.Dispose();
        }

        private void Loop()
        {
            while (true)
            {
                _begun.Wait();
                if (_work is not { } work) return;
                _fault = Try(work);
                _done.Release();
            }
        }
    }
}

using System.Diagnostics;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Runs element-wise operations of a rank on several threads, which are kept from one step to the next. A rank on a CPU has one thread, because every core has
/// a rank of its own; with GPUs there are more cores than ranks. The bits do not depend on the number of threads: the array is cut at multiples of 16 elements,
/// so that all pieces but the last consist of full vectors.
/// </summary>
/// <param name="count">Maximum number of threads, including the caller's.</param>
internal sealed class HostThreads(int count) : IDisposable
{
    private const long Grain = 1 << 16;

    // Dedicated threads, since blocking pool threads would delay actors. Started when an array is first large enough for them.
    private readonly List<Helper> _helpers = [];

    public static HostThreads One { get; } = new(1);

    /// <summary>
    /// Calls <paramref name="work"/> in parallel with ranges (first, count) that cover 0..length-1, and returns when all calls have returned.
    /// </summary>
    /// <exception cref="AggregateException">A call threw; thrown only where there is more than one range.</exception>
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

    /// <summary>Ends the threads; must not be called during <see cref="Run"/>.</summary>
    public void Dispose()
    {
        foreach (var helper in _helpers) helper.Dispose();
        _helpers.Clear();
    }

    /// <summary>A thread that runs one action at a time.</summary>
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

        /// <returns>The exception that ended the action; null: it succeeded.</returns>
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

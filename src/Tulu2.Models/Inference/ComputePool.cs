namespace Tulu2.Models.Inference;

/// <summary>
/// Threads that share the items of a piece of work; the caller is one of them. They wait actively for a moment between pieces, since those follow each other
/// closely, and then asleep. For one caller at a time.
/// </summary>
internal sealed class ComputePool : IDisposable
{
    // About 20 microseconds.
    private const int Spins = 2000;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly List<Thread> _threads = [];
    private volatile Work? _work;
    private volatile bool _ended;
    private int _sleeping;

    /// <param name="threads">With the caller's.</param>
    public ComputePool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        for (var index = 1; index < threads; index++)
        {
            var own = index;
            var thread = new Thread(() => Serve(own)) { IsBackground = true, Name = $"inference {index}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public int Threads { get; }

    /// <summary>Does every item once, on any thread, in any order; returns when all are done.</summary>
    /// <param name="action">Takes the item's number and that of the thread; must not throw.</param>
    public void Run(int items, Action<int, int> action)
    {
        if (Threads == 1 || items <= 1)
        {
            for (var item = 0; item < items; item++) action(item, 0);
            return;
        }
        var work = new Work(items, action);
        _work = work;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _sleeping) is > 0 and var sleeping) _wake.Release(Math.Min(sleeping, items - 1));
        work.Take(0);
        var spin = default(SpinWait);
        while (!work.IsDone) spin.SpinOnce(sleep1Threshold: -1);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_ended) return;
            _ended = true;
        }
        _wake.Release(Threads);
        _threads.ForEach(thread => thread.Join());
        _wake.Dispose();
    }

    private void Serve(int thread)
    {
        Work? last = null;
        while (!_ended)
        {
            for (var spins = 0; ReferenceEquals(_work, last) && spins < Spins; spins++) Thread.SpinWait(8);
            if (ReferenceEquals(_work, last))
            {
                Interlocked.Increment(ref _sleeping);
                // Work that came before this thread counted as asleep releases nobody.
                if (ReferenceEquals(_work, last) && !_ended) _wake.Wait();
                Interlocked.Decrement(ref _sleeping);
                continue;
            }
            last = _work;
            last?.Take(thread);
        }
    }

    private sealed class Work(int items, Action<int, int> action)
    {
        private int _next, _done;

        public bool IsDone => Volatile.Read(ref _done) == items;

        public void Take(int thread)
        {
            var done = 0;
            for (int item; (item = Interlocked.Increment(ref _next) - 1) < items; done++) action(item, thread);
            if (done > 0) Interlocked.Add(ref _done, done);
        }
    }
}

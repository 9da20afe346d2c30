using System.Diagnostics;

namespace Tulu2.Collectives.Benchmarks;

/// <summary>Threads that start work together; a measurement ends with the last of them.</summary>
internal sealed class ThreadTeam : IDisposable
{
    private readonly Barrier _barrier;
    private readonly Exception?[] _errors;
    private Action<int>? _work;

    public ThreadTeam(int size)
    {
        _barrier = new Barrier(size + 1);
        _errors = new Exception?[size];
        for (var member = 0; member < size; member++)
        {
            var number = member;
            new Thread(() => Run(number)) { IsBackground = true, Name = $"bench {number}" }.Start();
        }
    }

    /// <summary>Seconds until all threads have run <paramref name="work"/>, which receives the thread's number.</summary>
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

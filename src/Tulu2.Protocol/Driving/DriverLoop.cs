using System.Collections.Concurrent;
using System.Diagnostics;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Driving;

/// <summary>Drives workers that have threads or processes of their own, on the calling thread: waits for their reports with a deadline.</summary>
public sealed class DriverLoop : IDriverScheduler, IDisposable
{
    private readonly BlockingCollection<Action> _arriving = [];
    private readonly DriverPlan _plan;
    private readonly TimeSpan _patience;
    private readonly StepDriver _driver;

    /// <summary>Starts the workers.</summary>
    /// <param name="patience">The longest silence of all ranks together.</param>
    public DriverLoop(DriverPlan plan, IWorkerFactory workers, TimeSpan patience)
    {
        (_plan, _patience) = (plan, patience);
        _driver = new StepDriver(plan, workers, this);
        try
        {
            _driver.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    TimeSpan IDriverScheduler.Now => Stopwatch.GetElapsedTime(0);

    void IDriverScheduler.Said(Action arrive) => _arriving.Add(arrive);

    void IDriverScheduler.Sent(RankReport report) => _arriving.Add(() => _driver.Receive(report));

    void IDriverScheduler.Settled(SyncCommand settled) => _arriving.Add(() => _driver.Take(settled));

    /// <summary>Makes steps until every rank has applied this one; then the ranks wait for the batches of the next.</summary>
    /// <exception cref="TimeoutException">Nothing was heard for too long.</exception>
    /// <exception cref="Outcomes.RunFailedException">Too many workers failed, or the run did.</exception>
    public void Advance(StepNumber step)
    {
        _driver.FeedThrough(step);
        Until(() => _driver.State.Seats.All(seat => seat.Applied?.Step >= step));
    }

    /// <summary>Makes all steps of the run that are left.</summary>
    public SyncEffect.Finished Finish()
    {
        _driver.FeedThrough(_plan.Rules.LastStep);
        Until(() => _driver.End is not null);
        return (SyncEffect.Finished)_driver.End!;
    }

    /// <summary>Makes the reference pass and no step.</summary>
    public void Score() => Until(() => _driver.ReferenceIsDone);

    public void Dispose() => _driver.Dispose();

    private void Until(Func<bool> done)
    {
        while (true)
        {
            if (_driver.End is SyncEffect.Failed failed) throw failed.Failure.ToException();
            if (done()) return;
            if (!_arriving.TryTake(out var arrive, _patience))
                throw new TimeoutException($"no rank was heard for {_patience.TotalSeconds:0} s; generation {_driver.State.Generation}, {_driver.State.Phase}");
            arrive();
        }
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Benchmarks;

/// <summary>One committed step of all ranks.</summary>
/// <param name="Wall">From the commit before to this one.</param>
/// <param name="Ranks">Where each rank's time went.</param>
internal sealed record MeasuredStep(double Wall, IReadOnlyList<StepTimes> Ranks);

/// <summary>Plays the supervisor for the ranks of an undisturbed run: joins, begins, feeds, commits. What fails is thrown.</summary>
internal sealed class MeasuredRanks : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly WorkerSettings _settings;
    private readonly BlockingCollection<(int Rank, WorkerReport Report)> _reports = [];
    private readonly List<IWorker> _workers = [];
    private readonly string[] _endpoints;
    private int _step;

    public MeasuredRanks(WorkerSettings settings, IWorkerFactory factory)
    {
        _settings = settings;
        try
        {
            for (var rank = 0; rank < settings.Parallel.Size; rank++)
            {
                var own = rank;
                _workers.Add(factory.Start(rank, report => _reports.Add((own, report))));
            }
            _endpoints = [.. Gather<WorkerReport.Started>().Select(started => started.Endpoint)];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <param name="steps">Made after those made before; then the ranks wait for more.</param>
    /// <param name="committed">Called after every step, with its number, while all ranks wait or compute the next one.</param>
    public IReadOnlyList<MeasuredStep> Run(int steps, Action<int>? committed = null)
    {
        const long Generation = 1;
        var (first, last) = (_step + 1, _step + steps);
        if (_step == 0)
        {
            Each(rank => new WorkerCommand.JoinGeneration(Generation, rank, _endpoints));
            Gather<WorkerReport.Joined>();
            Each(rank => new WorkerCommand.Begin(Generation, 1, new StateTransfer.FromRecipe(), [], [Slots(rank)]));
        }
        Feed(first);
        var measured = new List<MeasuredStep>();
        var clock = Stopwatch.StartNew();
        for (_step = first; _step <= last; _step++)
        {
            var ready = Gather<WorkerReport.StepReady>();
            if (_step < last) Feed(_step + 1);
            Each(_ => new WorkerCommand.Commit(Generation, _step, Snapshot: false, Last: false));
            Gather<WorkerReport.Applied>();
            measured.Add(new MeasuredStep(clock.Elapsed.TotalSeconds, [.. ready.Select(report => report.Times)]));
            committed?.Invoke(_step);
            clock.Restart();
        }
        _step = last;
        return measured;
    }

    public void Dispose()
    {
        foreach (var worker in _workers) worker.Dispose();
    }

    // By rank.
    private IReadOnlyList<T> Gather<T>() where T : WorkerReport
    {
        var got = new SortedDictionary<int, T>();
        while (got.Count < _settings.Parallel.Size)
        {
            if (!_reports.TryTake(out var item, Patience)) throw new TimeoutException($"no {typeof(T).Name} from {_settings.Parallel.Size - got.Count} ranks");
            if (item.Report is WorkerReport.Failed failed) throw new InvalidOperationException($"rank {item.Rank}: {failed.Error}\n{failed.Detail}");
            if (item.Report is T wanted) got[item.Rank] = wanted;
        }
        return [.. got.Values];
    }

    private void Feed(int step)
    {
        for (var slot = 0; slot < _settings.Plan.SlotsPerStep; slot++)
        {
            var batch = _settings.Plan.Read(step, slot);
            Each(rank => Slots(rank) is var own && own.First <= slot && slot < own.End ? new WorkerCommand.Feed(batch) : null);
        }
    }

    private SlotRange Slots(int rank) =>
        SlotAssignment.Range(_settings.Plan.SlotsPerStep, _settings.Parallel.Data, _settings.Parallel.CoordinatesOf(rank).Data)!.Value;

    private void Each(Func<int, WorkerCommand?> command)
    {
        for (var rank = 0; rank < _workers.Count; rank++)
            if (command(rank) is { } given) _workers[rank].Send(given);
    }
}

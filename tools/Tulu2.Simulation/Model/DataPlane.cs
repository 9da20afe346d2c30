using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>A collective call has ended without its result: a peer is gone, or a newer generation has begun.</summary>
internal sealed class AbortedException : Exception;

/// <summary>A meeting of ranks in a generation: the collective calls of all its members, which end together or are aborted.</summary>
/// <param name="What">The kind of call, and the step or rank that it is about.</param>
/// <param name="Number">Of several calls alike.</param>
internal sealed record MeetingKey(long Generation, string What, int About, int Group, int Number);

/// <summary>What the members of a call have brought, by rank.</summary>
internal sealed class Gathered(IReadOnlyDictionary<int, object> brought)
{
    private object? _computed;

    public IReadOnlyDictionary<int, object> Brought => brought;

    public object this[int rank] => brought[rank];

    /// <summary>What every member computes from it, which is the same: once.</summary>
    public T Once<T>(Func<IReadOnlyDictionary<int, object>, T> compute) where T : class => (T)(_computed ??= compute(brought));
}

/// <summary>The data plane: no order between different calls, some time to the end of each, and abortion of a generation as soon as one of its ranks is gone.</summary>
internal sealed class DataPlane(EventLoop loop)
{
    private static readonly TimeSpan Notice = TimeSpan.FromMilliseconds(5);

    private readonly Dictionary<MeetingKey, Dictionary<int, Call>> _meetings = [];
    private readonly Dictionary<long, List<WorkerModel>> _joined = [];
    private readonly Dictionary<long, List<Call>> _ending = [];
    private readonly HashSet<long> _broken = [];

    private sealed record Call(WorkerModel Worker, object Brings, TaskCompletionSource<Gathered> Result);

    /// <summary>How long a call takes from the arrival of its last member.</summary>
    public Func<string, TimeSpan> Takes { get; set; } = _ => TimeSpan.FromMilliseconds(1);

    public void Join(WorkerModel worker, long generation)
    {
        if (!_joined.TryGetValue(generation, out var workers)) _joined[generation] = workers = [];
        workers.Add(worker);
        foreach (var old in _joined.Keys.Where(old => old < generation - 8).ToArray()) Forget(old);
    }

    /// <summary>A rank has left a generation, or is dead: all pending and later calls of the generation end.</summary>
    public void Leave(WorkerModel worker, long generation)
    {
        if (!_joined.TryGetValue(generation, out var workers) || !workers.Remove(worker)) return;
        loop.After(Notice, () => Break(generation));
    }

    /// <exception cref="AbortedException">Through the task.</exception>
    public Task<Gathered> MeetAsync(WorkerModel worker, MeetingKey key, IReadOnlyList<int> members, object brings)
    {
        var call = new Call(worker, brings, new TaskCompletionSource<Gathered>());
        if (_broken.Contains(key.Generation))
        {
            worker.Process.After(Notice, () => call.Result.TrySetException(new AbortedException()));
            return call.Result.Task;
        }
        if (!_meetings.TryGetValue(key, out var there)) _meetings[key] = there = [];
        there[worker.Rank] = call;
        worker.Pending = () => call.Result.TrySetException(new AbortedException());
        if (there.Count < members.Count) return call.Result.Task;
        _meetings.Remove(key);
        var result = new Gathered(there.ToDictionary(each => each.Key, each => each.Value.Brings));
        // Some may be at its end when a peer dies, and others not.
        if (!_ending.TryGetValue(key.Generation, out var ending)) _ending[key.Generation] = ending = [];
        ending.RemoveAll(each => each.Result.Task.IsCompleted);
        ending.AddRange(there.Values);
        foreach (var each in there.Values)
            each.Worker.Process.After(loop.Between(Takes(key.What) / 2, Takes(key.What)), () => each.Result.TrySetResult(result));
        return call.Result.Task;
    }

    private void Break(long generation)
    {
        if (!_broken.Add(generation)) return;
        foreach (var (key, calls) in _meetings.Where(meeting => meeting.Key.Generation == generation).ToArray())
        {
            _meetings.Remove(key);
            foreach (var call in calls.Values) Abort(call);
        }
        if (_ending.Remove(generation, out var ending))
            foreach (var call in ending) Abort(call);
    }

    private static void Abort(Call call) => call.Worker.Process.Do(() => call.Result.TrySetException(new AbortedException()));

    private void Forget(long generation)
    {
        _ending.Remove(generation);
        _joined.Remove(generation);
        foreach (var key in _meetings.Keys.Where(key => key.Generation == generation).ToArray()) _meetings.Remove(key);
    }
}

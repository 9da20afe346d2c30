using System.Net;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Processes;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Shards;

/// <summary>
/// The processes of a model's other shards, seen from that of the first one, which leads. One that is gone is replaced the next time the team is gathered; the others
/// keep their weights. For one thread at a time.
/// </summary>
internal sealed class ShardTeam : IDisposable
{
    // The slowest process may have a whole chunk of a long prompt before it, on a processor that others use. One that is gone is noticed at once.
    internal static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    // To connect to each other.
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromMinutes(1);

    // From the end of a process's data plane to that of the process.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ShardOrder _order;
    private readonly IShardHosting _hosting;
    private readonly IShard[] _shards;
    private readonly NetworkDataPlane _dataPlane;
    private readonly CancellationTokenSource _stop = new();
    private volatile ICollective? _collective;
    private long _generation;

    private ShardTeam(ShardOrder order, IShardHosting hosting)
    {
        (_order, _hosting) = (order, hosting);
        _dataPlane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = hosting.Key, ListenAddress = new IPEndPoint(hosting.Listens, 0) });
        _shards = [.. Enumerable.Range(1, order.Count - 1).Select(rank => hosting.Start(order, rank))];
    }

    /// <summary>Starts the processes, and does not wait for them.</summary>
    public static ShardTeam Start(ShardOrder order, IShardHosting hosting) => new(order, hosting);

    /// <summary>Replaces the processes that are gone, waits until all have read their weights, and begins a group with empty pages.</summary>
    /// <param name="pages">Number of pages of the key-value cache.</param>
    /// <param name="threads">Threads that compute, of each process.</param>
    /// <exception cref="Files.BadInputException">A shard of the model cannot be used.</exception>
    /// <exception cref="EvaluatorProcessException">Another process is gone already.</exception>
    public async Task<ShardGroup> GatherAsync(int pages, int threads)
    {
        if (_collective is not null)
        {
            await Task.WhenAny([Task.Delay(Patience, _stop.Token), .. _shards.Select(shard => shard.Gone)]).ConfigureAwait(false);
            End();
        }
        for (var index = 0; index < _shards.Length; index++)
        {
            if (!_shards[index].Gone.IsCompleted) continue;
            _hosting.Say?.Invoke($"{_order.Model}: shard {index + 2} of {_order.Count} is started again: {await _shards[index].Gone.ConfigureAwait(false)}");
            _shards[index].Dispose();
            _shards[index] = _hosting.Start(_order, index + 1);
        }
        var others = await Task.WhenAll(_shards.Select(shard => shard.Endpoint)).WaitAsync(_stop.Token).ConfigureAwait(false);
        await Task.WhenAll(_shards.Select(shard => shard.Loaded)).WaitAsync(_stop.Token).ConfigureAwait(false);
        _generation++;
        for (var index = 0; index < _shards.Length; index++)
            _shards[index].Join(new ShardGathering(_generation, [_dataPlane.EndpointAt($"{_hosting.AddressFor(index + 1)}"), .. others], pages, threads));
        var collective = _collective = _dataPlane.Join(_generation, 0, [_dataPlane.Endpoint, .. others]);
        // One that is gone before it has joined is waited for by nobody.
        foreach (var shard in _shards) _ = AbortAsync(shard.Gone);
        if (_stop.IsCancellationRequested) collective.Abort("the model is not needed any more");
        try
        {
            // On machines that cannot reach each other this shows now, and not in the middle of the first request.
            collective.Barrier(ConnectPatience);
        }
        catch (TimeoutException error)
        {
            throw new EvaluatorProcessException("not all shards could connect to each other within a minute: their machines must reach each other at any port", $"{error}");
        }
        return new ShardGroup(collective, Deadline);

        async Task AbortAsync(Task<string> gone) => collective.Abort(await gone.ConfigureAwait(false));
    }

    /// <summary>Ends what waits for the other processes. From any thread.</summary>
    public void Stop()
    {
        _stop.Cancel();
        _collective?.Abort("the model is not needed any more");
    }

    public void Dispose()
    {
        End();
        foreach (var shard in _shards) shard.Dispose();
        _dataPlane.Dispose();
        _stop.Dispose();
    }

    // Whoever waits for the first shard's words hears at once that there are no more.
    private void End()
    {
        _collective?.Abort("the first shard has ended the group");
        _collective?.Dispose();
    }
}

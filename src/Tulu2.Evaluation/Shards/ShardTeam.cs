using System.Net;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Shards;

/// <summary>
/// The processes of a model's other shards, seen from that of the first one, which leads. One that is gone is replaced the next time the team is gathered; the others
/// keep their weights. For one thread at a time.
/// </summary>
internal sealed class ShardTeam : IDisposable
{
    // The slowest process may have a whole chunk of a long prompt before it, on a processor that others use. One that is gone is noticed at once.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    // From the end of a process's data plane to that of the process.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ShardOrder _order;
    private readonly IShardHosting _hosting;
    private readonly IShard[] _shards;
    private readonly NetworkDataPlane _dataPlane;
    private ICollective? _collective;
    private long _generation;

    private ShardTeam(ShardOrder order, IShardHosting hosting)
    {
        (_order, _hosting) = (order, hosting);
        _dataPlane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = hosting.Key, ListenAddress = new IPEndPoint(hosting.Address, 0) });
        _shards = [.. Enumerable.Range(1, order.Count - 1).Select(rank => hosting.Start(order, rank))];
    }

    /// <summary>Starts the processes, and does not wait for them.</summary>
    public static ShardTeam Start(ShardOrder order, IShardHosting hosting) => new(order, hosting);

    /// <summary>Replaces the processes that are gone, waits until all have read their weights, and begins a group with empty pages.</summary>
    /// <param name="pages">Number of pages of the key-value cache.</param>
    /// <param name="threads">Threads that compute, of each process.</param>
    /// <exception cref="Files.BadInputException">A shard of the model cannot be used.</exception>
    /// <exception cref="Processes.EvaluatorProcessException">Another process is gone already.</exception>
    public async Task<ShardGroup> GatherAsync(int pages, int threads)
    {
        if (_collective is not null)
        {
            await Task.WhenAny([Task.Delay(Patience), .. _shards.Select(shard => shard.Gone)]).ConfigureAwait(false);
            End();
        }
        for (var index = 0; index < _shards.Length; index++)
        {
            if (!_shards[index].Gone.IsCompleted) continue;
            _hosting.Say?.Invoke($"{_order.Model}: shard {index + 2} of {_order.Count} is started again: {await _shards[index].Gone.ConfigureAwait(false)}");
            _shards[index].Dispose();
            _shards[index] = _hosting.Start(_order, index + 1);
        }
        string[] endpoints = [_dataPlane.Endpoint, .. await Task.WhenAll(_shards.Select(shard => shard.Endpoint)).ConfigureAwait(false)];
        await Task.WhenAll(_shards.Select(shard => shard.Loaded)).ConfigureAwait(false);
        var gathering = new ShardGathering(++_generation, endpoints, pages, threads);
        foreach (var shard in _shards) shard.Join(gathering);
        var collective = _collective = _dataPlane.Join(_generation, 0, endpoints);
        // One that is gone before it has joined is waited for by nobody.
        foreach (var shard in _shards) _ = AbortAsync(shard.Gone);
        return new ShardGroup(collective, Deadline);

        async Task AbortAsync(Task<string> gone) => collective.Abort(await gone.ConfigureAwait(false));
    }

    public void Dispose()
    {
        End();
        foreach (var shard in _shards) shard.Dispose();
        _dataPlane.Dispose();
    }

    // Whoever waits for the first shard's words hears at once that there are no more.
    private void End()
    {
        _collective?.Abort("the first shard has ended the group");
        _collective?.Dispose();
    }
}

namespace Tulu2.Collectives.InProcess;

/// <summary>The data plane between ranks that are threads of one process.</summary>
public sealed class InProcessDataPlane : ICollectiveFactory
{
    private readonly Lock _gate = new();
    private Rendezvous? _current;

    /// <inheritdoc/>
    public ICollective Join(long generation, int rank, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        lock (_gate)
        {
            if (_current is null || generation > _current.Generation)
            {
                _current?.Abort($"generation {generation} has begun");
                _current = new Rendezvous(generation, size);
            }
            if (generation == _current.Generation)
            {
                if (size != _current.Size) throw new ArgumentException($"generation {generation} has {_current.Size} ranks, not {size}", nameof(size));
                return new InProcessCollective(_current, rank);
            }
            var over = new Rendezvous(generation, size);
            over.Abort($"generation {_current.Generation} has begun");
            return new InProcessCollective(over, rank);
        }
    }
}

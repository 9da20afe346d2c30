namespace Tulu2.Collectives.InProcess;

/// <summary>The data plane between ranks that are threads of one process.</summary>
public sealed class InProcessDataPlane : ICollectiveFactory
{
    private readonly Lock _gate = new();
    private InProcessGeneration? _current;

    /// <inheritdoc/>
    public string Endpoint => "in-process";

    /// <inheritdoc/>
    public ICollective Join(long generation, int rank, IReadOnlyList<string> endpoints) => Join(generation, rank, endpoints.Count);

    /// <inheritdoc cref="Join(long, int, IReadOnlyList{string})"/>
    public ICollective Join(long generation, int rank, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        lock (_gate)
        {
            if (_current is null || generation > _current.Number)
            {
                _current?.Abort($"generation {generation} has begun");
                _current = new InProcessGeneration(generation, size);
            }
            if (generation == _current.Number)
            {
                if (size != _current.Size) throw new ArgumentException($"generation {generation} has {_current.Size} ranks instead of {size}", nameof(size));
                return new InProcessCollective(_current, [.. Enumerable.Range(0, size)], rank, isWorld: true);
            }
            var ended = new InProcessGeneration(generation, size);
            ended.Abort($"generation {_current.Number} has begun");
            return new InProcessCollective(ended, [.. Enumerable.Range(0, size)], rank, isWorld: true);
        }
    }
}

using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Looks at a run's <see cref="ScaleFile"/> twice a second, and says when the run is to have another number of replicas.</summary>
internal sealed class ScaleWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    private readonly RunDirectory _directory;
    private readonly ParallelRecipe _parallel;
    private readonly Action<int> _scaled;
    private readonly Timer _timer;
    private int? _data;

    /// <param name="scaled">Called on a pool thread, never twice at a time.</param>
    public ScaleWatch(RunDirectory directory, ParallelRecipe parallel, Action<int> scaled)
    {
        (_directory, _parallel, _scaled) = (directory, parallel, scaled);
        _timer = new Timer(_ => Look(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (ScaleFile.DataOf(_directory, _parallel) is { } data && data != _data)
        {
            _data = data;
            _scaled(data);
        }
        try
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException) { /* The run is over. */ }
    }
}

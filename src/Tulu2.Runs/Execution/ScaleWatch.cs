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
    private DateTime _written;

    /// <param name="scaled">Called on a pool thread, never twice at a time.</param>
    public ScaleWatch(RunDirectory directory, ParallelRecipe parallel, Action<int> scaled)
    {
        (_directory, _parallel, _scaled) = (directory, parallel, scaled);
        _timer = new Timer(_ => Look(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        // The same number again means that ranks which were left out are wanted again.
        var written = File.GetLastWriteTimeUtc(_directory.Scale);
        if (written != _written && ScaleFile.DataOf(_directory, _parallel) is { } data) _scaled(data);
        _written = written;
        try
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException) { /* The run is over. */ }
    }
}

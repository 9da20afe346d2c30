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
    private readonly ITimer _timer;
    private DateTime _written;

    /// <param name="scaled">Called on a pool thread, never twice at a time.</param>
    public ScaleWatch(RunDirectory directory, ParallelRecipe parallel, Action<int> scaled, TimeProvider time)
    {
        (_directory, _parallel, _scaled) = (directory, parallel, scaled);
        // Set going only when it is assigned: its first look uses it, and may come before this constructor goes on.
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        try
        {
            // The same number again means that ranks which were left out are wanted again.
            var written = File.GetLastWriteTimeUtc(_directory.Scale);
            if (written != _written && ScaleFile.DataOf(_directory, _parallel) is { } data) _scaled(data);
            _written = written;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException) { /* Storage that is away for a while: the next look sees it. */ }
        // False when the run is over and the timer disposed of.
        _ = _timer.Change(Interval, Timeout.InfiniteTimeSpan);
    }
}

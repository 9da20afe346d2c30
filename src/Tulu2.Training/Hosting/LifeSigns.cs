namespace Tulu2.Training.Hosting;

/// <summary>
/// Decides by regular checks whether a process is still running. Counts checks instead of time: if the checking process itself was stopped or starved of CPU,
/// it made no checks.
/// </summary>
/// <param name="checks">Number of consecutive checks without a new sign of life after which the process is considered stopped.</param>
internal sealed class LifeSigns(int checks)
{
    private long _last = -1;
    private int _silent;

    /// <summary>Makes a check and returns whether the process is considered stopped.</summary>
    /// <param name="signs">A counter that grows with every sign of life.</param>
    public bool IsStopped(long signs)
    {
        _silent = signs == _last ? _silent + 1 : 0;
        _last = signs;
        return _silent >= checks;
    }
}

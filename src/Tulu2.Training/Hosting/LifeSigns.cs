namespace Tulu2.Training.Hosting;

/// <summary>
/// Judges by looks in regular intervals whether a process still runs. Counts looks in place of time: who was stopped himself for a while, or had no processor, has
/// not looked.
/// </summary>
/// <param name="looks">So many in a row without a new sign of life, and it counts as stopped.</param>
internal sealed class LifeSigns(int looks)
{
    private long _last = -1;
    private int _silent;

    /// <param name="signs">Grows with every sign of life.</param>
    public bool IsStopped(long signs)
    {
        _silent = signs == _last ? _silent + 1 : 0;
        _last = signs;
        return _silent >= looks;
    }
}

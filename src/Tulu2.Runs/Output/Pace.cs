namespace Tulu2.Runs.Output;

/// <summary>Guesses the time left from the units done since a phase began: a resumed run does not count what it found done.</summary>
internal sealed class Pace
{
    private string? _phase;
    private long _firstDone;
    private TimeSpan _firstTime;

    /// <returns>Null until two reports of the phase are in.</returns>
    public TimeSpan? Left(ProgressSnapshot now, TimeSpan elapsed)
    {
        if (_phase != (now.Phase ?? ""))
        {
            _phase = now.Phase ?? "";
            (_firstDone, _firstTime) = (now.Done, elapsed);
        }
        var done = now.Done - _firstDone;
        return done > 0 && now.Total > 0 ? (elapsed - _firstTime) * ((double)(now.Total - now.Done) / done) : null;
    }
}

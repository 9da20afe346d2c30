namespace Tulu2.Runs.Output;

/// <summary>Estimates the remaining time from the units done since the phase began; units that a resumed run found done do not count.</summary>
internal sealed class Pace
{
    private string? _phase;
    private long _firstDone;
    private TimeSpan _firstTime;

    /// <returns>Null until the phase has two reports.</returns>
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

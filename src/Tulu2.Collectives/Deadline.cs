using System.Diagnostics;

namespace Tulu2.Collectives;

/// <summary>The time by which a call must be over, measured from the construction of this value.</summary>
internal readonly struct Deadline(TimeSpan allowed)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public bool IsOver => Left <= TimeSpan.Zero;
    public TimeSpan Left => allowed - Stopwatch.GetElapsedTime(_start);

    /// <summary>Rounded up, for system calls that wait: at least 1 as long as time is left.</summary>
    public int LeftMilliseconds => (int)Math.Clamp(Math.Ceiling(Left.TotalMilliseconds), 0, int.MaxValue);

    /// <summary>The time allowed, for messages.</summary>
    public override string ToString() => $"{allowed.TotalSeconds:0.###} s";
}

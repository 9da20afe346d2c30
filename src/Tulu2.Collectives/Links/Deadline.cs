using System.Diagnostics;

namespace Tulu2.Collectives.Links;

/// <summary>When a call has to be over.</summary>
internal readonly struct Deadline(TimeSpan allowed)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public TimeSpan Allowed => allowed;
    public bool IsOver => Left <= TimeSpan.Zero;
    public TimeSpan Left => allowed - Stopwatch.GetElapsedTime(_start);

    /// <summary>For calls of the system that wait; at least one while time is left.</summary>
    public int LeftMilliseconds => (int)Math.Clamp(Math.Ceiling(Left.TotalMilliseconds), 0, int.MaxValue);
}

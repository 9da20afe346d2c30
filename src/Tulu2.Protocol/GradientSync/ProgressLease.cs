using System.Collections.Immutable;

namespace Tulu2.Protocol.GradientSync;

/// <summary>How long a rank may go without a sign of progress before it counts as hung.</summary>
/// <param name="Initial">While nothing is known of this run's pace: it includes loading the model and the first step.</param>
/// <param name="Minimum">Never less than this, however quick the steps.</param>
/// <param name="Factor">Times the 99th percentile of the latest steps.</param>
public sealed record ProgressLease(TimeSpan Initial, TimeSpan Minimum, double Factor)
{
    private const int Window = 256;

    public static ProgressLease Default { get; } = new(TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), 8);

    /// <summary>The default, with another minimum.</summary>
    public static ProgressLease Of(TimeSpan minimum) => Default with { Minimum = minimum, Initial = minimum > Default.Initial ? minimum : Default.Initial };

    internal ImmutableQueue<TimeSpan> Latest { get; init; } = [];
    internal int Count { get; init; }

    /// <summary>The lease with one more step known.</summary>
    internal ProgressLease With(TimeSpan step) => Count < Window
        ? this with { Latest = Latest.Enqueue(step), Count = Count + 1 }
        : this with { Latest = Latest.Dequeue().Enqueue(step) };

    /// <summary>The time without progress after which a rank is hung.</summary>
    internal TimeSpan Deadline()
    {
        if (Count == 0) return Initial;
        var ordered = Latest.Order().ToArray();
        var percentile = ordered[(int)Math.Ceiling(0.99 * ordered.Length) - 1];
        return TimeSpan.FromTicks(Math.Max(Minimum.Ticks, (long)(percentile.Ticks * Factor)));
    }
}

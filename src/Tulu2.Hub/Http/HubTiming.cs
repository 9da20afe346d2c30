namespace Tulu2.Hub.Http;

/// <summary>Time as fetching needs it, so that tests need not wait.</summary>
public sealed record HubTiming
{
    public static HubTiming OfSystem { get; } = new();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Waits.</summary>
    public Func<TimeSpan, CancellationToken, Task> Delay { get; init; } = Task.Delay;

    /// <summary>A random number from 0 to below 1, which spreads the retries of many clients.</summary>
    public Func<double> Spread { get; init; } = Random.Shared.NextDouble;
}

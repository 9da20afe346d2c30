using System.Threading.RateLimiting;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>Keeps to a number of requests and of tokens a minute; a minute's worth may go at once. Thread-safe.</summary>
internal sealed class RequestLimits(JudgeLimits limits) : IDisposable
{
    // How often a part of the minute's amount comes back.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(0.5);

    private readonly TokenBucketRateLimiter? _requests = Bucket(limits.RequestsPerMinute, limits.Sharers), _tokens = Bucket(limits.TokensPerMinute, limits.Sharers);
    private readonly int _most = Share(limits.TokensPerMinute ?? int.MaxValue, limits.Sharers);

    /// <summary>Returns when a request of so many tokens may be sent.</summary>
    public async ValueTask WaitAsync(long tokens, CancellationToken cancellation)
    {
        if (_requests is not null) (await _requests.AcquireAsync(1, cancellation)).Dispose();
        // What is more than a minute's worth goes when the whole minute is free.
        if (_tokens is not null) (await _tokens.AcquireAsync((int)Math.Clamp(tokens, 1, _most), cancellation)).Dispose();
    }

    public void Dispose()
    {
        _requests?.Dispose();
        _tokens?.Dispose();
    }

    private static int Share(int amount, int sharers) => Math.Max(1, amount / Math.Max(1, sharers));

    private static TokenBucketRateLimiter? Bucket(int? perMinute, int sharers)
    {
        if (perMinute is not { } amount) return null;
        var share = Share(amount, sharers);
        var perPeriod = (int)(share * Period.TotalMinutes);
        return new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = share,
            // Of a small amount one comes back at a time.
            TokensPerPeriod = Math.Max(1, perPeriod),
            ReplenishmentPeriod = perPeriod >= 1 ? Period : TimeSpan.FromMinutes(1.0 / share),
            QueueLimit = int.MaxValue,
            AutoReplenishment = true,
        });
    }
}

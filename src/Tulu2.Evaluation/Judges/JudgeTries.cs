using Polly;
using Polly.Retry;

namespace Tulu2.Evaluation.Judges;

/// <summary>When a judge behind an address is asked again: one rule for all kinds of answers.</summary>
internal static class JudgeTries
{
    /// <summary>Whether a later try may succeed where a server answers with this status.</summary>
    public static bool IsForLater(int status) => status is 408 or 409 or 425 or 429 or >= 500;

    /// <summary>Tries with waits that grow, with jitter, or are as long as the server asks for; a server that asks for too much is given up.</summary>
    /// <param name="isForLater">Whether an answer or fault may be another one next time.</param>
    /// <param name="asked">The wait that an answer asks for; null: none.</param>
    /// <param name="time">For tests: the clock of the waits.</param>
    public static ResiliencePipeline<T> Of<T>(JudgeLimits limits, Func<Outcome<T>, bool> isForLater, Func<T, TimeSpan?> asked, TimeProvider? time = null)
    {
        var builder = new ResiliencePipelineBuilder<T>();
        if (time is not null) builder.TimeProvider = time;
        if (limits.Tries > 1)
            builder.AddRetry(new RetryStrategyOptions<T>
            {
                ShouldHandle = tried => ValueTask.FromResult(isForLater(tried.Outcome) && !(Asked(tried.Outcome) > limits.LongestAsked)),
                MaxRetryAttempts = limits.Tries - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = limits.FirstWait,
                MaxDelay = limits.LongestWait,
                DelayGenerator = tried => ValueTask.FromResult(Asked(tried.Outcome)),
            });
        return builder.Build();

        TimeSpan? Asked(Outcome<T> outcome) => outcome.Result is { } answer ? asked(answer) : null;
    }
}

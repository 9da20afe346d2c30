using System.Net;
using System.Net.Http.Headers;
using Polly;
using Polly.Retry;
using Tulu2.Evaluation.Judges.Endpoint;

namespace Tulu2.Evaluation.Judges.Http;

/// <summary>HTTP to a judge: with its key, and again where a later try may succeed.</summary>
internal static class JudgeHttp
{
    public static HttpClient To(Uri address, JudgeSettings settings)
    {
        var client = new HttpClient(new Repeating(settings.Limits) { InnerHandler = new SocketsHttpHandler() }) { Timeout = Timeout.InfiniteTimeSpan };
        if (JudgeKey.Of(address, settings.KeyFile) is var key && key != JudgeKey.None) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    private sealed class Repeating : DelegatingHandler
    {
        private readonly TimeSpan _patience;
        private readonly ResiliencePipeline<HttpResponseMessage> _tries;

        public Repeating(JudgeLimits limits)
        {
            _patience = limits.Patience;
            _tries = new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = limits.Tries - 1,
                Delay = limits.FirstWait,
                MaxDelay = limits.LongestWait,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = new PredicateBuilder<HttpResponseMessage>().Handle<HttpRequestException>().Handle<TimeoutException>().HandleResult(IsForLater),
                DelayGenerator = tried => ValueTask.FromResult(Asked(tried.Outcome.Result) is { } asked && asked <= limits.LongestAsked ? asked : (TimeSpan?)null),
            }).Build();
        }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellation) => _tries.Execute(stop =>
        {
            using var time = CancellationTokenSource.CreateLinkedTokenSource(stop);
            time.CancelAfter(_patience);
            try
            {
                return base.Send(request, time.Token);
            }
            catch (OperationCanceledException fault) when (!stop.IsCancellationRequested)
            {
                throw new TimeoutException($"no answer within {_patience.TotalSeconds:0} s", fault);
            }
        }, cancellation);

        private static bool IsForLater(HttpResponseMessage response) =>
            response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests || (int)response.StatusCode is 425 or >= 500;

        private static TimeSpan? Asked(HttpResponseMessage? response) => response?.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => TimeSpan.FromTicks(Math.Max(0, (date - DateTimeOffset.UtcNow).Ticks)),
            _ => null,
        };
    }
}

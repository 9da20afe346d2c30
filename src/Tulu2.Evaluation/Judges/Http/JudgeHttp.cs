using System.Net.Http.Headers;
using Polly;
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
            _tries = JudgeTries.Of<HttpResponseMessage>(limits, IsForLater, Asked);
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

        private static bool IsForLater(Outcome<HttpResponseMessage> tried) =>
            tried.Exception is HttpRequestException or TimeoutException || tried.Result is { } response && JudgeTries.IsForLater((int)response.StatusCode);

        private static TimeSpan? Asked(HttpResponseMessage response) => response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => TimeSpan.FromTicks(Math.Max(0, (date - DateTimeOffset.UtcNow).Ticks)),
            _ => null,
        };
    }
}

using Prometheus;
using Tulu2.Evaluation.Generation;

namespace Tulu2.Serving.Measurements;

/// <summary>What <c>/metrics</c> shows, in Prometheus' text format.</summary>
internal sealed class ServerMetrics
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Counter _requests, _dropped;
    private readonly Gauge _running;
    private readonly Histogram _firstToken, _nextToken, _duration;

    public ServerMetrics(IGenerationEngine engine)
    {
        var make = Metrics.WithCustomRegistry(_registry);
        _requests = make.CreateCounter("tulu2_requests_total",
            "Requests that have ended, by endpoint and HTTP status; 499: the client went away.", ["endpoint", "code"]);
        _dropped = make.CreateCounter("tulu2_streams_dropped_total", "Streams that were ended because the client did not read them.");
        _running = make.CreateGauge("tulu2_requests_running", "Requests that are being answered or wait for the engine.");
        _duration = make.CreateHistogram("tulu2_request_duration_seconds", "From a request to the end of its answer.", Buckets(0.001, 2, 20));
        _firstToken = make.CreateHistogram("tulu2_time_to_first_token_seconds",
            "From a request to the first token of each of its prompts.", Buckets(0.001, 2, 18));
        _nextToken = make.CreateHistogram("tulu2_time_per_output_token_seconds", "From a sample's token to its next.", Buckets(0.0005, 2, 16));
        Watch(make, engine);
    }

    public IDisposable Running() => _running.TrackInProgress();

    public void Ended(string endpoint, int code, TimeSpan duration)
    {
        _requests.WithLabels(endpoint, code.ToString(System.Globalization.CultureInfo.InvariantCulture)).Inc();
        _duration.Observe(duration.TotalSeconds);
    }

    public void StreamDropped() => _dropped.Inc();

    public void FirstToken(TimeSpan after) => _firstToken.Observe(after.TotalSeconds);

    public void NextToken(TimeSpan after) => _nextToken.Observe(after.TotalSeconds);

    public Task WriteAsync(Stream stream, CancellationToken cancellation) => _registry.CollectAndExportAsTextAsync(stream, cancellation);

    private static HistogramConfiguration Buckets(double first, double factor, int count) =>
        new() { Buckets = Histogram.ExponentialBuckets(first, factor, count) };

    private void Watch(IMetricFactory make, IGenerationEngine engine)
    {
        var samples = make.CreateGauge("tulu2_engine_samples_running", "Samples that are generated now.");
        var waiting = make.CreateGauge("tulu2_engine_requests_waiting", "Prompts that wait for room in the engine.");
        var prompt = make.CreateCounter("tulu2_prompt_tokens_total", "Tokens of admitted prompts.");
        var cached = make.CreateCounter("tulu2_prompt_tokens_cached_total", "Those of them that were in the cache: prefix hits.");
        var generated = make.CreateCounter("tulu2_generated_tokens_total", "Generated tokens.");
        var speed = make.CreateGauge("tulu2_generated_tokens_per_second", "Generated tokens per second, lately.");
        var capacity = make.CreateGauge("tulu2_kv_cache_capacity_tokens", "Tokens that the key-value cache holds.");
        var used = make.CreateGauge("tulu2_kv_cache_used_tokens", "Room of the key-value cache that is taken.", ["by"]);
        _registry.AddBeforeCollectCallback(() =>
        {
            var now = engine.Metrics;
            samples.Set(now.Running);
            waiting.Set(now.Waiting);
            prompt.IncTo(now.PromptTokens);
            cached.IncTo(now.CachedTokens);
            generated.IncTo(now.GeneratedTokens);
            speed.Set(now.TokensPerSecond);
            capacity.Set(now.CacheCapacity);
            used.WithLabels("running").Set(now.CacheInUse);
            used.WithLabels("kept_for_reuse").Set(now.CacheKept);
        });
    }
}

using System.Diagnostics;
using Tulu2.Evaluation.Generation;

namespace Tulu2.Serving.Measurements;

/// <summary>Measures when the tokens of one prompt come. Called on the engine's thread.</summary>
/// <param name="began"><see cref="Stopwatch.GetTimestamp"/> when the request came.</param>
/// <param name="samples">Samples of the prompt.</param>
internal sealed class TokenClock(ServerMetrics metrics, long began, int samples)
{
    private readonly long[] _last = new long[samples];
    private bool _started;

    public void Tick(EngineToken token)
    {
        if (token.Id is null) return;
        var now = Stopwatch.GetTimestamp();
        if (!_started) metrics.FirstToken(Stopwatch.GetElapsedTime(began, now));
        _started = true;
        if (_last[token.Sample] is not 0 and var last) metrics.NextToken(Stopwatch.GetElapsedTime(last, now));
        _last[token.Sample] = now;
    }
}

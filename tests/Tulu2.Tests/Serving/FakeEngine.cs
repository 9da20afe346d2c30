using Tulu2.Data;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Tests.Serving;

/// <summary>
/// An engine without a model: each token is a pure function of the four before it, the seed and the sample. It keeps the promises of the interface, so that a
/// server can be tested without weights.
/// </summary>
internal sealed class FakeEngine(SentencePieceBpeTokenizer tokenizer) : IGenerationEngine
{
    private const int Choices = 20;

    // Neither special tokens nor bytes of characters.
    private readonly int[] _words = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => tokenizer.PieceOf(id) is not ("" or ['<', ..]))];

    private int _running, _ended;
    private long _generated;

    public int ContextLength { get; init; } = 256;

    public int VocabularySize => tokenizer.VocabularySize;

    /// <summary>Requests at a time; with one more the engine is busy.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>Awaited before each token; null: tokens come at once.</summary>
    public Func<CancellationToken, Task>? BeforeToken { get; set; }

    /// <summary>Fails each request, where it is not null.</summary>
    public Exception? Fault { get; set; }

    /// <summary>After this id comes the end token.</summary>
    public int? EndAfter { get; set; }

    /// <summary>Requests that have not ended.</summary>
    public int Running => Volatile.Read(ref _running);

    public EngineMetrics Metrics => new(Running, 0, _ended, 0, 0, Interlocked.Read(ref _generated), 0, 4096, 16 * Running, 0);

    public void Dispose()
    {
    }

    public Task<EngineResult> SubmitAsync(EngineRequest request, CancellationToken cancellation = default)
    {
        if (Interlocked.Increment(ref _running) > Most)
        {
            Interlocked.Decrement(ref _running);
            throw new EngineBusyException(Most);
        }
        return Task.Run(() => RunAsync(request, cancellation), CancellationToken.None);
    }

    public Task<IReadOnlyList<ContinuationScore>> ScoreAsync(int[] prompt, IReadOnlyList<int[]> continuations, CancellationToken cancellation = default) =>
        throw new NotSupportedException("no endpoint needs it");

    public Task<IReadOnlyList<float>> NextTokenAsync(int[] prompt, IReadOnlyList<int> ids, CancellationToken cancellation = default) =>
        throw new NotSupportedException("no endpoint needs it");

    /// <summary>The log-probability of an id after others.</summary>
    public TokenScore Score(IReadOnlyList<int> before, int id, int top)
    {
        var ranks = Enumerable.Range(0, Choices).Select(rank => new TokenAlternative(Candidate(before, rank), -0.25f * (rank + 1))).ToList();
        var own = ranks.Where(other => other.Id == id).Select(other => other.LogProbability).DefaultIfEmpty(-30).First();
        return new TokenScore(id, own, [.. ranks.DistinctBy(other => other.Id).Take(top)]);
    }

    private async Task<EngineResult> RunAsync(EngineRequest request, CancellationToken cancellation)
    {
        try
        {
            if (Fault is not null) throw Fault;
            List<TokenScore?> prompt = [];
            if (request.PromptLogProbabilities)
                for (var at = 0; at < request.PromptIds.Length; at++)
                    prompt.Add(at == 0 ? null : Score(request.PromptIds[..at], request.PromptIds[at], request.Top ?? 0));
            var samples = new List<EngineSample>();
            if (request.Options.MaxTokens != 0)
                for (var number = 0; number < request.Options.Count; number++) samples.Add(await SampleAsync(request, number, cancellation));
            return new EngineResult(request.PromptIds.Length, 0, prompt, samples);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            Interlocked.Increment(ref _ended);
        }
    }

    private async Task<EngineSample> SampleAsync(EngineRequest request, int number, CancellationToken cancellation)
    {
        var (ids, scores, text) = (request.PromptIds.ToList(), new List<TokenScore>(), new System.Text.StringBuilder());
        var decoder = new StreamingDecoder(tokenizer, stripBoundary: false);
        var stops = new StopScanner(request.Options.Stop);
        var limit = Math.Min(request.Options.MaxTokens ?? int.MaxValue, ContextLength - request.PromptIds.Length);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (BeforeToken is not null) await BeforeToken(cancellation);
            var id = Next(ids, request, number);
            var score = request.Top is { } top ? Score(ids, id, top) : null;
            if (id == tokenizer.EndId) return Finish(FinishReason.Stop, score);
            ids.Add(id);
            if (score is not null) scores.Add(score);
            Interlocked.Increment(ref _generated);
            Emit(id, stops.Push(decoder.Add(id)), score);
            if (stops.Stopped) return Finish(FinishReason.Stop, null);
            if (ids.Count - request.PromptIds.Length == limit) return Finish(FinishReason.Length, null);
        }

        void Emit(int? id, string piece, TokenScore? score, FinishReason? reason = null)
        {
            text.Append(piece);
            request.OnToken?.Invoke(new EngineToken(number, id, piece, score, reason));
        }

        EngineSample Finish(FinishReason reason, TokenScore? end)
        {
            Emit(null, stops.Push(decoder.Flush()) + stops.Flush(), null, reason);
            return new EngineSample(text.ToString(), reason, [.. ids.Skip(request.PromptIds.Length)], scores) { End = end };
        }
    }

    private int Next(List<int> before, EngineRequest request, int number)
    {
        if (before[^1] == EndAfter) return tokenizer.EndId;
        if (request.Options.Temperature == 0) return Candidate(before, 0);
        var seed = (ulong)(request.Options.Seed ?? Random.Shared.NextInt64()) + (ulong)number * 1000;
        return Candidate(before, (int)(SplitMix64.Mix(seed + (ulong)before.Count * SplitMix64.Increment) % 5));
    }

    private int Candidate(IReadOnlyList<int> before, int rank)
    {
        var hash = before.Skip(before.Count - 4).Aggregate(7UL, (sum, id) => SplitMix64.Mix(sum * 31 + (ulong)id));
        return _words[(int)((hash + (ulong)rank * 7) % (ulong)_words.Length)];
    }
}

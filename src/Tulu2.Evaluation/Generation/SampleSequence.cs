using System.Text;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>One answer that is being generated.</summary>
/// <param name="number">Of the sample; the first one also scores the prompt, where that is asked for.</param>
/// <param name="seed">Of the request.</param>
/// <param name="limit">Maximum number of tokens to generate.</param>
/// <param name="used">Only ids below this may be generated.</param>
/// <param name="endIds">Tokens that end an answer.</param>
internal sealed class SampleSequence(EngineRequest request, int number, long seed, int limit, int used, IReadOnlySet<int> endIds, IAnswerText decoder)
    : EngineSequence(request.PromptIds, 0, request.Location)
{
    private readonly StopScanner _stops = new(request.Options.Stop);
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids = [];
    private readonly List<TokenScore> _scores = [];
    private readonly List<TokenScore?> _promptScores = [];
    private readonly PenalizedTokens? _penalized = PenalizedTokens.Of(request.Options.RepetitionPenalty, request.PromptIds);

    // The seed of a sample is that of the request plus its number.
    private readonly long _seed = unchecked(seed + number);

    /// <summary>Not null once it has ended.</summary>
    public EngineSample? Result { get; private set; }

    /// <summary>[prompt] where asked for.</summary>
    public IReadOnlyList<TokenScore?> PromptScores => _promptScores;

    public override int FirstNeeded => ScoresPrompt ? 0 : Ids.Count - 1;

    // The first position needs no logits: nothing is before it. A prompt that is computed again is not scored again.
    private bool ScoresPrompt => request.PromptLogProbabilities && number == 0 && _promptScores.Count < request.PromptIds.Length;

    public override bool Needs(int position) => position == Ids.Count - 1 || (ScoresPrompt && position < request.PromptIds.Length - 1);

    protected override void Accept(int position, ReadOnlySpan<float> logits)
    {
        if (ScoresPrompt)
        {
            if (_promptScores.Count == 0) _promptScores.Add(null);
            if (_promptScores.Count == position + 1 && position + 1 < request.PromptIds.Length)
                _promptScores.Add(new LogProbabilities(logits).Of(request.PromptIds[position + 1], request.Top ?? 0));
        }
        if (position == Ids.Count - 1) Choose(logits);
    }

    private void Choose(ReadOnlySpan<float> logits)
    {
        var options = request.Options;
        var allowed = logits[..used];
        if (_penalized is not null) allowed = _penalized.Apply(allowed);
        var id = Sampler.Choose(allowed, options.Temperature, options.TopP, SeededUniform.At(_seed, _ids.Count), options.TopK);
        TokenScore? score = request.Top is { } top ? new LogProbabilities(logits).Of(id, top) : null;
        if (endIds.Contains(id))
        {
            Finish(FinishReason.Stop, score);
            return;
        }
        _ids.Add(id);
        Ids.Add(id);
        _penalized?.Add(id);
        if (score is not null) _scores.Add(score);
        var text = _stops.Push(decoder.Add(id));
        _text.Append(text);
        request.OnToken?.Invoke(new EngineToken(number, id, text, score, null));
        if (_stops.Stopped) Finish(FinishReason.Stop);
        else if (_ids.Count == limit) Finish(FinishReason.Length);
    }

    private void Finish(FinishReason reason, TokenScore? end = null)
    {
        var text = _stops.Push(decoder.Flush()) + _stops.Flush();
        _text.Append(text);
        // The rest of an unfinished character can complete a stop string.
        var finish = _stops.Stopped ? FinishReason.Stop : reason;
        Result = new EngineSample(_text.ToString(), finish, _ids, _scores) { End = end };
        End();
        request.OnToken?.Invoke(new EngineToken(number, null, text, null, finish));
    }
}

/// <summary>The repetition penalty of a sample (HF <c>RepetitionPenaltyLogitsProcessor</c>).</summary>
internal sealed class PenalizedTokens
{
    private readonly float _penalty;
    private readonly HashSet<int> _ids;
    private float[] _logits = [];

    private PenalizedTokens(float penalty, IEnumerable<int> ids) => (_penalty, _ids) = (penalty, [.. ids]);

    /// <returns>Null: there is no penalty.</returns>
    public static PenalizedTokens? Of(double penalty, int[] prompt) => penalty == 1 ? null : new((float)penalty, prompt);

    public void Add(int id) => _ids.Add(id);

    /// <returns>The logits with the penalty, valid until the next call.</returns>
    public ReadOnlySpan<float> Apply(ReadOnlySpan<float> logits)
    {
        if (_logits.Length != logits.Length) _logits = new float[logits.Length];
        logits.CopyTo(_logits);
        foreach (var id in _ids)
            if (id < _logits.Length) _logits[id] = _logits[id] < 0 ? _logits[id] * _penalty : _logits[id] / _penalty;
        return _logits;
    }
}

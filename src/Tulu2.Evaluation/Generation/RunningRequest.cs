using System.Text;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Generation;

/// <summary>An answer that is being generated.</summary>
/// <param name="limit">Maximum number of tokens to generate.</param>
/// <param name="endIds">Tokens that end an answer.</param>
internal sealed class RunningRequest(GenerationRequest request, int limit, IReadOnlySet<int> endIds, IAnswerText decoder)
{
    private readonly StopScanner _stops = new(request.Options.Stop);
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids = [];
    private readonly long _seed = request.Options.Seed ?? Random.Shared.NextInt64();

    public int[] PromptIds => request.PromptIds;

    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    public int MostTokens => request.PromptIds.Length + limit;

    public GenerationResult? Result { get; private set; }

    /// <summary>Chooses the next token from its logits; null once the answer has ended.</summary>
    /// <exception cref="NonFiniteException">The logits are not finite.</exception>
    public int? Accept(ReadOnlySpan<float> logits)
    {
        var options = request.Options;
        int id;
        try
        {
            id = Sampler.Choose(logits, options.Temperature, options.TopP, SeededUniform.At(_seed, _ids.Count));
        }
        catch (ArithmeticException)
        {
            throw new NonFiniteException(
                request.Location, $"after {request.PromptIds.Length + _ids.Count} tokens the next one's logits are not finite", NonFiniteException.BrokenWeights);
        }
        if (endIds.Contains(id)) return Finish(FinishReason.Stop);
        _ids.Add(id);
        Emit(_stops.Push(decoder.Add(id)));
        if (_stops.Stopped) return Finish(FinishReason.Stop);
        return _ids.Count == limit ? Finish(FinishReason.Length) : id;
    }

    private int? Finish(FinishReason reason)
    {
        Emit(_stops.Push(decoder.Flush()));
        Emit(_stops.Flush());
        // The rest of an unfinished character can complete a stop string.
        Result = new GenerationResult(_text.ToString(), _stops.Stopped ? FinishReason.Stop : reason, request.PromptIds.Length, _ids);
        return null;
    }

    private void Emit(string text)
    {
        if (text.Length == 0) return;
        _text.Append(text);
        request.OnText?.Invoke(text);
    }
}

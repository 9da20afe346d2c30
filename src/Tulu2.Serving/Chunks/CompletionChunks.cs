using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Answers;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Served;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Chunks;

/// <summary>The chunks of an answer of <c>/v1/completions</c>.</summary>
internal sealed class CompletionChunks(CompletionRequest request, ServedModel model) : IChunks
{
    private readonly AnswerId _id = AnswerId.New("cmpl", model);
    private readonly Dictionary<int, PendingScores> _begun = [];

    /// <summary>[prompts] where the request asks for them: they come before the first token.</summary>
    public IReadOnlyList<EngineResult>? Prompts { get; set; }

    public IEnumerable<object> Of(int prompt, EngineToken token)
    {
        var index = CompletionAnswer.IndexOf(request, prompt, token.Sample);
        if (!_begun.TryGetValue(index, out var pending))
        {
            _begun[index] = pending = new PendingScores(model, request.Echo ? request.Prompts[prompt].Text.Length : 0);
            if (request.Echo) yield return CompletionAnswer.Chunk(_id, EchoOf(prompt, token.Sample));
        }
        var scores = pending.Next(token);
        if (token.Text.Length == 0 && token.Finish is null) yield break;
        var reason = AnswerId.NameOf(token.Finish);
        yield return CompletionAnswer.Chunk(_id, new CompletionAnswer.Choice(index, token.Text, LogProbs(scores), reason));
    }

    public IEnumerable<object> Last(IReadOnlyList<EngineResult> results)
    {
        // Where no token was asked for, the prompts are all that there is.
        if (_begun.Count == 0 && request.Echo)
            for (var prompt = 0; prompt < request.Prompts.Count; prompt++)
                for (var number = 0; number < request.Sampling.Options.Count; number++)
                    yield return CompletionAnswer.Chunk(_id, EchoOf(prompt, number) with { FinishReason = "length" });
        if (request.Sampling.IncludeUsage) yield return CompletionAnswer.Chunk(_id) with { Usage = Usage.Of(results) };
    }

    private CompletionAnswer.Choice EchoOf(int prompt, int number) =>
        CompletionAnswer.Echo(request, prompt, number, Prompts?[prompt].PromptScores ?? [], model);

    private CompletionLogProbs? LogProbs(IReadOnlyList<(TokenScore Score, int Offset)> scores)
    {
        if (request.Logprobs is null || scores.Count == 0) return null;
        var builder = new CompletionLogProbs.Builder(model);
        foreach (var (score, offset) in scores) builder.Add(score.Id, score, offset);
        return builder.Build();
    }
}

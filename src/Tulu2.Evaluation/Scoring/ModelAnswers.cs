using Tulu2.Data.Chat;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Gets answers from a model and, for judged benchmarks, from a judge. Not thread-safe.</summary>
internal sealed class ModelAnswers(IChatGenerator generator, ICandidateScorer scorer, IJudge? judge) : IAnswerSource
{
    public IReadOnlyList<ModelAnswer> Answer(IReadOnlyList<ItemRequest> asked, CancellationToken cancellation)
    {
        var answers = new ModelAnswer[asked.Count];
        Fill<ModelRequest.Generate>(requests => Generate(requests, cancellation));
        Fill<ModelRequest.LogProbabilities>(requests => LogProbabilities(requests, cancellation));
        Fill<ModelRequest.Judge>(requests => Verdicts(requests, cancellation));
        return answers;

        void Fill<T>(Func<IReadOnlyList<(T Request, string Location)>, IEnumerable<ModelAnswer>> answer)
            where T : ModelRequest
        {
            var indices = Enumerable.Range(0, asked.Count).Where(index => asked[index].Request is T).ToList();
            if (indices.Count == 0) return;
            var given = answer([.. indices.Select(index => ((T)asked[index].Request, asked[index].Item.Location))]);
            foreach (var (index, value) in indices.Zip(given)) answers[index] = value;
        }
    }

    private IEnumerable<ModelAnswer> Generate(IReadOnlyList<(ModelRequest.Generate Request, string Location)> asked, CancellationToken cancellation) =>
        generator.Generate([.. asked.Select(item => Request(item.Request, item.Location))], cancellation).Select(result => new ModelAnswer.Text(result.Text));

    private GenerationRequest Request(ModelRequest.Generate request, string location)
    {
        var prompt = generator.EncodeChat(request.Prompt);
        if (prompt.Length >= generator.ContextLength)
            throw new BadInputException(
                location, $"its prompt has {prompt.Length} tokens, but the model's context holds {generator.ContextLength}, answer included", "remove this row");
        return new GenerationRequest(prompt, request.Options) { Location = location };
    }

    private List<ModelAnswer> LogProbabilities(
        IReadOnlyList<(ModelRequest.LogProbabilities Request, string Location)> asked, CancellationToken cancellation)
    {
        var candidates = asked
            .SelectMany(item => item.Request.Candidates.Select(candidate => (candidate.Name, item.Location, Encoded: Encode(candidate, item.Location)))).ToList();
        var values = scorer.Score([.. candidates.Select(candidate => candidate.Encoded)], cancellation);
        foreach (var (candidate, value) in candidates.Zip(values))
            NonFiniteException.Check(
                value, () => (candidate.Location, $"the log-probability of its {candidate.Name} answer"), NonFiniteException.BrokenWeights);
        var answers = new List<ModelAnswer>(asked.Count);
        var first = 0;
        foreach (var count in asked.Select(item => item.Request.Candidates.Count))
        {
            answers.Add(new ModelAnswer.LogProbabilities([.. values.Skip(first).Take(count)]));
            first += count;
        }
        return answers;
    }

    private EncodedSequence Encode(CandidateAnswer candidate, string location)
    {
        var encoded = scorer.Chat.EncodeDialogue(candidate.Dialogue, LossRule.LastAssistantTurn);
        if (encoded.Ids.Any(id => id >= scorer.VocabularySize))
            throw new BadInputException(
                location, $"its {candidate.Name} side has a token that the model lacks: the tokenizer has more ids than the model", "remove this row");
        return encoded.LossTokens > 0 ? encoded : throw new BadInputException(
            location, $"its {candidate.Name} answer lies beyond the model's context of {scorer.Chat.MaxLength} tokens", "remove this row");
    }

    private IEnumerable<ModelAnswer> Verdicts(
        IReadOnlyList<(ModelRequest.Judge Request, string Location)> asked, CancellationToken cancellation) => judge is null
        ? throw new InvalidOperationException("a benchmark has a request for a judge, but its IsJudged is false")
        : judge.Verdicts([.. asked.Select(item => item.Request)], cancellation).Select(verdict => new ModelAnswer.Text(verdict));
}

using Tulu2.Data.Chat;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Gets answers from a model and, where a benchmark asks for them, from a judge and a runner of programs. Not thread-safe.</summary>
internal sealed class ModelAnswers(IChatGenerator generator, ICandidateScorer scorer, IJudge? judge, ICodeRunner? runner = null) : IAnswerSource
{
    public IReadOnlyList<ModelAnswer> Answer(IReadOnlyList<ItemRequest> asked, CancellationToken cancellation)
    {
        var answers = new ModelAnswer[asked.Count];
        Fill<ModelRequest.Generate>(requests => Generate(requests, cancellation));
        Fill<ModelRequest.LogProbabilities>(requests => LogProbabilities(requests, cancellation));
        Fill<ModelRequest.Continuations>(requests => Continuations(requests, cancellation));
        Fill<ModelRequest.NextTokens>(requests => NextTokens(requests, cancellation));
        Fill<ModelRequest.Judge>(requests => Verdicts(requests, cancellation));
        Fill<ModelRequest.Execute>(requests => Runs(requests, cancellation));
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

    private List<ModelAnswer> Generate(IReadOnlyList<(ModelRequest.Generate Request, string Location)> asked, CancellationToken cancellation)
    {
        var requests = asked.Select(item => Requests(item.Request, item.Location).ToList()).ToList();
        var texts = generator.Generate([.. requests.SelectMany(samples => samples)], cancellation).Select(result => result.Text).ToList();
        var answers = new List<ModelAnswer>(asked.Count);
        var first = 0;
        foreach (var count in requests.Select(samples => samples.Count))
        {
            answers.Add(new ModelAnswer.Text(count == 0 ? [""] : texts[first..(first + count)]));
            first += count;
        }
        return answers;
    }

    // Sample 0 is that of the seed itself. None: the answer is empty.
    private IEnumerable<GenerationRequest> Requests(ModelRequest.Generate request, string location)
    {
        var (prompt, options) = (generator.Encode(request.Prompt), request.Options);
        if (request.IsEmptyWhereTooLong && prompt.Length >= generator.ContextLength) yield break;
        CheckLength(prompt, location);
        for (var sample = 0; sample < options.Count; sample++)
            yield return new GenerationRequest(prompt, options with { Count = 1, Seed = options.Seed + sample }) { Location = location };
    }

    private int[] Prompt(ModelPrompt prompt, string location) => CheckLength(generator.Encode(prompt), location);

    private int[] CheckLength(int[] ids, string location)
    {
        if (ids.Length >= generator.ContextLength)
            throw new BadInputException(
                location, $"its prompt has {ids.Length} tokens, but the model's context holds {generator.ContextLength}, answer included", "remove this row");
        return ids;
    }

    private List<ModelAnswer> Continuations(IReadOnlyList<(ModelRequest.Continuations Request, string Location)> asked, CancellationToken cancellation) =>
        AfterPrompts([.. asked.Select(item => (Prompt(item.Request.Prompt, item.Location), item.Request.Texts.Select(generator.EncodeContinuation), item.Location))], cancellation);

    private List<ModelAnswer> NextTokens(IReadOnlyList<(ModelRequest.NextTokens Request, string Location)> asked, CancellationToken cancellation) =>
        AfterPrompts([.. asked.Select(item => (Prompt(item.Request.Prompt, item.Location), item.Request.Texts.Select(LastPiece), item.Location))], cancellation);

    private int[] LastPiece(string text) => [generator.EncodeContinuation(text)[^1]];

    private List<ModelAnswer> AfterPrompts(IReadOnlyList<(int[] Prompt, IEnumerable<int[]> Texts, string Location)> asked, CancellationToken cancellation)
    {
        var sequences = asked.Select(item => item.Texts.Select(text => AfterPrompt(item.Prompt, text, item.Location)).ToList()).ToList();
        var values = scorer.Score([.. sequences.SelectMany(candidates => candidates)], cancellation);
        var answers = new List<ModelAnswer>(asked.Count);
        var first = 0;
        for (var i = 0; i < asked.Count; first += sequences[i++].Count)
        {
            var own = values.Skip(first).Take(sequences[i].Count).ToList();
            var where = asked[i].Location;
            foreach (var value in own) NonFiniteException.Check(value, () => (where, "the log-probability of one of its answers"), NonFiniteException.BrokenWeights);
            answers.Add(new ModelAnswer.LogProbabilities(own));
        }
        return answers;
    }

    private EncodedSequence AfterPrompt(int[] prompt, int[] text, string location)
    {
        int[] ids = [.. prompt, .. text];
        if (ids.Length > generator.ContextLength)
            throw new BadInputException(location, $"prompt and answer have {ids.Length} tokens, but the model's context holds {generator.ContextLength}", "remove this row");
        return new EncodedSequence(ids, [new LossSpan(prompt.Length, ids.Length)], Truncated: false, ids.Length) { HasAnswer = true };
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
        ? throw new InvalidOperationException("a benchmark has a request for a judge, but names none in its Judges")
        : judge.Verdicts([.. asked.Select(item => item.Request)], cancellation).Select(verdict => new ModelAnswer.Text(verdict));

    private List<ModelAnswer> Runs(IReadOnlyList<(ModelRequest.Execute Request, string Location)> asked, CancellationToken cancellation)
    {
        if (runner is null) throw new InvalidOperationException("a benchmark has programs to run, but there is no runner");
        var outcomes = runner.Run([.. asked.SelectMany(item => item.Request.Programs)], cancellation);
        var answers = new List<ModelAnswer>(asked.Count);
        var first = 0;
        foreach (var count in asked.Select(item => item.Request.Programs.Count))
        {
            answers.Add(new ModelAnswer.Runs([.. outcomes.Skip(first).Take(count)]));
            first += count;
        }
        return answers;
    }
}

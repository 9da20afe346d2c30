using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges;

/// <summary>
/// The roles <c>truth</c> and <c>info</c> by a Llama model in this process, such as allenai/truthfulqa-truth-judge-llama2-7B: the probability that it
/// continues the raw text with the token
/// <c> yes</c>.
/// </summary>
public sealed class YesJudge : INamedJudge, IDisposable
{
    private const string Yes = " yes";

    private readonly IChatGenerator _generator;
    private readonly ICandidateScorer _scorer;
    private readonly IDisposable? _owned;

    internal YesJudge(string id, IChatGenerator generator, ICandidateScorer scorer, IDisposable? owned = null) =>
        (Id, _generator, _scorer, _owned) = (id, generator, scorer, owned);

    public string Id { get; }

    /// <param name="model">As <see cref="ModelFolders.Parse"/> takes it.</param>
    /// <exception cref="BadInputException">The model cannot be used.</exception>
    public static YesJudge Load(string model)
    {
        var generator = TextGenerator.Load(model);
        return new YesJudge($"local:{ModelFolders.Parse(model).Id}", generator, new LogProbabilityScorer(generator), generator);
    }

    /// <exception cref="BadInputException">A text does not fit into the judge's context.</exception>
    /// <exception cref="NonFiniteException">The judge's weights are broken.</exception>
    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        var yes = _generator.EncodeContinuation(Yes)[^1];
        var scores = _scorer.Score([.. requests.Select(request => Sequence(request, yes))], cancellation);
        foreach (var score in scores) NonFiniteException.Check(score, () => ("the judge", "a log-probability"), NonFiniteException.BrokenWeights);
        return [.. scores.Select(score => new YesVerdict(Math.Min(1, Math.Exp(score))).ToString())];
    }

    public void Dispose() => _owned?.Dispose();

    private EncodedSequence Sequence(ModelRequest.Judge request, int yes)
    {
        var prompt = _generator.Encode(new ModelPrompt.Raw(request.Prompt.Single(turn => turn.Role == Message.User).Content));
        if (prompt.Length >= _generator.ContextLength)
            throw new BadInputException($"judge {request.Role}",
                $"question and answer have {prompt.Length} tokens, but its context holds {_generator.ContextLength}", "shorten the answer");
        var last = new LossSpan(prompt.Length, prompt.Length + 1);
        return new EncodedSequence([.. prompt, yes], [last], Truncated: false, last.End) { HasAnswer = true };
    }
}

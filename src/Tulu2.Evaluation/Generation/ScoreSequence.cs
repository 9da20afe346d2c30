namespace Tulu2.Evaluation.Generation;

/// <summary>Given tokens, of which some are scored: those whose positions are asked for.</summary>
/// <param name="scored">Positions of scored tokens, ascending, none of them 0.</param>
/// <param name="top">Alternatives to report.</param>
internal sealed class ScoreSequence(int[] ids, IReadOnlyList<int> scored, int top, string location)
    : EngineSequence(ids[..scored[^1]], scored[0] - 1, location)
{
    // Asked for a whole chunk before any of its logits are there.
    private readonly HashSet<int> _positions = [.. scored];
    private readonly List<TokenScore> _scores = [];

    /// <summary>Of the scored tokens, in order.</summary>
    public IReadOnlyList<TokenScore> Scores => _scores;

    /// <summary>Each of them was the most likely one.</summary>
    public bool IsGreedy { get; private set; } = true;

    public override bool Needs(int position) => _positions.Contains(position + 1);

    protected override void Accept(int position, ReadOnlySpan<float> logits)
    {
        // Of a sequence that is computed again, because others took its pages, the first scores are there already.
        if (scored[_scores.Count] != position + 1) return;
        // Broken weights give a score that is no number: who asked knows which row it is of.
        if (!LogProbabilities.AreOf(logits)) _scores.Add(new TokenScore(ids[position + 1], float.NaN, []));
        else
        {
            var distribution = new LogProbabilities(logits);
            _scores.Add(distribution.Of(ids[position + 1], top));
            IsGreedy &= distribution.Likeliest == ids[position + 1];
        }
        if (_scores.Count == scored.Count) End();
    }
}

/// <summary>A prompt, after which some ids are scored.</summary>
internal sealed class NextTokenSequence(int[] prompt, IReadOnlyList<int> ids) : EngineSequence(prompt, prompt.Length - 1, "prompt")
{
    /// <summary>Of the ids.</summary>
    public IReadOnlyList<float> Scores { get; private set; } = [];

    public override bool Needs(int position) => position == Ids.Count - 1;

    protected override void Accept(int position, ReadOnlySpan<float> logits)
    {
        var distribution = new LogProbabilities(logits);
        var scores = new float[ids.Count];
        for (var index = 0; index < scores.Length; index++) scores[index] = distribution[ids[index]];
        Scores = scores;
        End();
    }
}

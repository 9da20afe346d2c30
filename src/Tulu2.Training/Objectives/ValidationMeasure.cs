using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;

namespace Tulu2.Training.Objectives;

/// <summary>
/// The objective's loss and metrics over a validation set, from the summed log-probability of each sequence, as a training step with the same slots would give them.
/// The loss is the mean over all scored tokens (or pairs), whatever the profile: how training weighs its micro-batches is no property of the model.
/// </summary>
public sealed class ValidationMeasure
{
    private readonly OnePassPlan _plan;
    private readonly Func<ReferenceLogProbabilities>? _references;
    private readonly IObjective _objective;
    private readonly int _perItem;
    private readonly bool _hasMismatched;

    /// <param name="references">Opens the reference log-probabilities of the set's pairs (or rows); null: the objective needs none.</param>
    public ValidationMeasure(Recipe recipe, OnePassPlan plan, Func<ReferenceLogProbabilities>? references)
    {
        var descriptor = ObjectiveCatalog.Of(recipe.Objective);
        (_plan, _references, _perItem) = (plan, references, descriptor.ScoredPerItem);
        _hasMismatched = descriptor.HasMismatched;
        _objective = descriptor.Create(recipe with { Profile = Profile.Default }, plan);
    }

    /// <param name="logProbabilities">By slot of the plan: of each sequence. A filler segment after them is ignored.</param>
    /// <returns>The loss, then the objective's metrics.</returns>
    public NamedValues Measure(IReadOnlyList<float[]> logProbabilities)
    {
        var figures = new double[logProbabilities.Count][];
        var divergence = _hasMismatched ? Divergences.Mean(logProbabilities.Select((sums, slot) => LogRatios(slot, sums))) : 0;
        for (var slot = 0; slot < figures.Length; slot++) figures[slot] = Figures(slot, logProbabilities[slot], divergence);
        var (loss, more) = _objective.Summarize(1, figures);
        return [new NamedValue(ValidationMetrics.Loss, loss), .. more];
    }

    // Objectives take log-probabilities by token. Those that can be validated make sums by sequence of them (IsOfSequences), so the sum stands at the first token and
    // 0 at the others.
    private double[] Figures(int slot, float[] sums, double divergence)
    {
        var (tokens, references_S) = (_plan.ScoredTokens(slot), References(slot));
        // The objective sees rows as in a slot: without their mismatched sequences.
        if (_hasMismatched) (tokens, sums, references_S) = (Own(tokens), Own(sums), Own(references_S));
        var (segments_R, values_R, at) = (new int[tokens.Sum()], new float[tokens.Sum()], 0);
        for (var sequence = 0; sequence < tokens.Length; sequence++)
        {
            if (tokens[sequence] > 0) values_R[at] = sums[sequence];
            Array.Fill(segments_R, sequence, at, tokens[sequence]);
            at += tokens[sequence];
        }
        var scored = new ScoredSlot(1, slot, segments_R, tokens.Length, references_S) { Desirable_S = _hasMismatched ? _plan.Desirable(slot) : [], Divergence = divergence };
        return _objective.Figures(scored, values_R);
    }

    private double[] LogRatios(int slot, float[] sums)
    {
        var references_S = References(slot);
        return [.. Enumerable.Range(0, references_S.Length / 2).Select(row => (double)sums[2 * row + 1] - references_S[2 * row + 1])];
    }

    private static TValue[] Own<TValue>(TValue[] values) => [.. values.Where((_, index) => index % 2 == 0)];

    private float[] References(int slot)
    {
        if (_references is null) return [];
        var references = _references();
        var pairs = _plan.Sequences(1, slot).Span;
        var values_S = new float[_perItem * pairs.Length];
        for (var index = 0; index < pairs.Length; index++) (values_S[2 * index], values_S[2 * index + 1]) = references[pairs[index]];
        return values_S;
    }
}

using Tulu2.Data.Chat;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Computes the log-probability of answers with a generator's engine. Sequences that begin alike share the computation of what they have in common.
/// </summary>
public sealed class LogProbabilityScorer(TextGenerator generator) : ICandidateScorer
{
    ChatEncoder ICandidateScorer.Chat => generator.Model.Chat;

    int ICandidateScorer.VocabularySize => generator.Model.Config.VocabularySize;

    /// <inheritdoc/>
    public IReadOnlyList<float> Score(IReadOnlyList<EncodedSequence> sequences, CancellationToken cancellation = default) =>
        [.. EngineCalls.Wait(sequences, (sequence, token) => generator.Engine.ScoreAsync(sequence.Ids, Positions(sequence), token), cancellation)
            .Select(scores => (float)scores.Sum(score => (double)score))];

    private static int[] Positions(EncodedSequence sequence) => [.. sequence.Spans.SelectMany(span => Enumerable.Range(span.Begin, span.Length))];
}

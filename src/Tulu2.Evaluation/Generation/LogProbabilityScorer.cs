using Tulu2.Data.Chat;
using Tulu2.Data.Slots;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Generation;

/// <summary>Computes the log-probability of answers with a model. Not thread-safe.</summary>
/// <param name="tokensPerBatch">Maximum number of tokens in one forward pass; a longer sequence gets a pass of its own.</param>
public sealed class LogProbabilityScorer(LoadedModel model, int tokensPerBatch = 4096) : ICandidateScorer
{
    ChatEncoder ICandidateScorer.Chat => model.Chat;

    int ICandidateScorer.VocabularySize => model.Config.VocabularySize;

    /// <inheritdoc/>
    public IReadOnlyList<float> Score(IReadOnlyList<EncodedSequence> sequences, CancellationToken cancellation = default)
    {
        set_num_threads(1);
        var scores = new List<float>(sequences.Count);
        while (scores.Count < sequences.Count)
        {
            cancellation.ThrowIfCancellationRequested();
            var batch = sequences.Skip(scores.Count).Take(Fitting(sequences, scores.Count)).ToList();
            var plan = new BatchPlan(new Source(batch), new BatchSettings(batch.Count, batch.Count, Shuffle: false, Steps: 1));
            scores.AddRange(ModelScores.Of(model.Model, plan.Read(1, 0)).Take(batch.Count));
        }
        return scores;
    }

    private int Fitting(IReadOnlyList<EncodedSequence> sequences, int first)
    {
        var (count, tokens) = (1, sequences[first].Ids.Length);
        while (first + count < sequences.Count && (tokens += sequences[first + count].Ids.Length) <= tokensPerBatch) count++;
        return count;
    }

    private sealed class Source(List<EncodedSequence> sequences) : ITokenSource
    {
        public int Sequences => sequences.Count;
        public int Length(int sequence) => sequences[sequence].Ids.Length;
        public int LossTokens(int sequence) => sequences[sequence].LossTokens;
        public ReadOnlySpan<int> Ids(int sequence) => sequences[sequence].Ids;
        public ReadOnlySpan<LossSpan> Spans(int sequence) => sequences[sequence].Spans;
    }
}

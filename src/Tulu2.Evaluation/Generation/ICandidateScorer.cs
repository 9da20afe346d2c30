using Tulu2.Data.Chat;

namespace Tulu2.Evaluation.Generation;

/// <summary>Computes the log-probability of candidate answers.</summary>
internal interface ICandidateScorer
{
    /// <summary>Encodes dialogues, truncated to the model's context.</summary>
    ChatEncoder Chat { get; }

    /// <summary>Number of ids in the model's embedding; its tokenizer may have more.</summary>
    int VocabularySize { get; }

    /// <summary>The summed log-probability of each sequence's scored tokens.</summary>
    /// <param name="sequences">With at least one scored token each.</param>
    /// <returns>[sequences].</returns>
    IReadOnlyList<float> Score(IReadOnlyList<EncodedSequence> sequences, CancellationToken cancellation);
}

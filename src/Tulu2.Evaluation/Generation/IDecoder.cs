namespace Tulu2.Evaluation.Generation;

/// <summary>Computes logits for the next tokens; separates the choice of tokens from the model. V: <see cref="VocabularySize"/>.</summary>
internal interface IDecoder
{
    int VocabularySize { get; }

    /// <summary>Only ids below this may be chosen.</summary>
    int UsedVocabulary => VocabularySize;

    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <param name="maxBatch">Maximum number of rows.</param>
    /// <param name="maxLength">Maximum number of tokens of a row, prompt included.</param>
    IDecoding Begin(int maxBatch, int maxLength);
}

/// <summary>A batch that is being decoded.</summary>
internal interface IDecoding : IDisposable
{
    /// <returns>[rows * V] logits after each prompt.</returns>
    ReadOnlyMemory<float> Prefill(IReadOnlyList<int[]> prompts);

    /// <param name="nextIds">[rows] the next token of each row.</param>
    /// <returns>[rows * V] logits after each row.</returns>
    ReadOnlyMemory<float> Step(int[] nextIds);

    /// <summary>Removes all other rows from the batch.</summary>
    /// <param name="rows">Indices, ascending.</param>
    void Keep(int[] rows);
}

/// <summary>Decodes the ids of one answer to text, in whole characters.</summary>
internal interface IAnswerText
{
    string Add(int id);
    string Flush();
}

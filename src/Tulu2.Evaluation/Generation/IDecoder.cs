namespace Tulu2.Evaluation.Generation;

/// <summary>A model that continues prompts; the seam between choosing tokens and computing logits.</summary>
internal interface IDecoder
{
    int VocabularySize { get; }

    /// <summary>Number of ids that may be chosen: the first ones.</summary>
    int UsedVocabulary => VocabularySize;

    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <param name="maxBatch">Rows.</param>
    /// <param name="maxLength">Maximum number of tokens of a row, prompt included.</param>
    IDecoding Begin(int maxBatch, int maxLength);
}

/// <summary>A batch that is being decoded.</summary>
internal interface IDecoding : IDisposable
{
    /// <returns>[rows * V]: the logits after each prompt.</returns>
    ReadOnlyMemory<float> Prefill(IReadOnlyList<int[]> prompts);

    /// <param name="nextIds">[rows]: the next token of each row.</param>
    /// <returns>[rows * V].</returns>
    ReadOnlyMemory<float> Step(int[] nextIds);

    /// <summary>Keeps these rows only, in ascending order.</summary>
    void Keep(int[] rows);
}

/// <summary>Decodes the ids of one answer to text, in whole characters.</summary>
internal interface IAnswerText
{
    string Add(int id);
    string Flush();
}

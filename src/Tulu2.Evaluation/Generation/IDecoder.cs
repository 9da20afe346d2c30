namespace Tulu2.Evaluation.Generation;

/// <summary>A model that goes on from prompts, row by row; the seam between choosing tokens and computing logits.</summary>
internal interface IDecoder
{
    int VocabularySize { get; }

    /// <summary>Ids that may be chosen: the first ones.</summary>
    int UsedVocabulary => VocabularySize;

    /// <summary>Positions that the model knows: prompt and answer together.</summary>
    int ContextLength { get; }

    /// <param name="maxBatch">Rows.</param>
    /// <param name="maxLength">Most tokens of a row, prompt included.</param>
    IDecoding Begin(int maxBatch, int maxLength);
}

/// <summary>A batch under way.</summary>
internal interface IDecoding : IDisposable
{
    /// <returns>[rows * V]: the logits after each prompt.</returns>
    ReadOnlyMemory<float> Prefill(IReadOnlyList<int[]> prompts);

    /// <param name="nextIds">[rows]: the token each row goes on with.</param>
    /// <returns>[rows * V].</returns>
    ReadOnlyMemory<float> Step(int[] nextIds);

    /// <summary>Goes on with these rows only, in this order (ascending).</summary>
    void Keep(int[] rows);
}

/// <summary>Ids of one answer to text; never ends within a character.</summary>
internal interface IAnswerText
{
    string Add(int id);
    string Flush();
}

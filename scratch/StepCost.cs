namespace Tulu2.Models.Llama;

/// <summary>What a step costs on paper.</summary>
public static class StepCost
{
    /// <summary>
    /// Floating-point operations that a forward and backward pass needs: 6 per parameter in a matrix product and token (the head counts for scored rows, the
    /// embedding lookup not at all), and for attention 6 x query width x T per token of a segment of T tokens and layer, which counts the causal half only
    /// (two products of 2 x T/2 x query width forward, twice that backward). What a program computes again does not count.
    /// </summary>
    public static double ModelFlops(LlamaConfig config, IEnumerable<int> segmentLengths, int scoredRows)
    {
        double hidden = config.HiddenSize, layer = 2 * hidden * config.QueryWidth + 2 * hidden * config.KeyValueWidth + 3 * hidden * config.IntermediateSize;
        double tokens = 0, pairs = 0;
        foreach (double length in segmentLengths)
        {
            tokens += length;
            pairs += length * length;
        }
        return 6 * (config.Layers * layer * tokens + hidden * config.VocabularySize * scoredRows) + 6 * config.Layers * config.QueryWidth * pairs;
    }
}

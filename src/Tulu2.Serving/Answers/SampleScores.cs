using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary>The tokens of a sample and where they are in its text.</summary>
internal static class SampleScores
{
    /// <summary>The scored tokens that have a part in the text; those of a stop string have none.</summary>
    /// <returns>Each with its offset in the text, in UTF-16 units.</returns>
    public static IEnumerable<(TokenScore Score, int Offset)> Visible(EngineSample sample, ServedModel model)
    {
        var decoder = new StreamingDecoder(model.Tokenizer, stripBoundary: false);
        var offsets = new List<int>(sample.Ids.Count);
        var length = 0;
        foreach (var id in sample.Ids)
        {
            offsets.Add(length);
            length += decoder.Add(id).Length;
        }
        length += decoder.Flush().Length;
        var cut = length > sample.Text.Length;
        return sample.Scores.Zip(offsets).Where(token => !cut || token.Second < sample.Text.Length);
    }
}

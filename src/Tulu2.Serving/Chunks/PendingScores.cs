using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Chunks;

/// <summary>
/// Scores of a sample's tokens until their text is sent: the text of several may come at once, at the end of a character or when it is clear that it is no
/// stop string.
/// </summary>
/// <param name="begin">Length of the text before the sample.</param>
internal sealed class PendingScores(ServedModel model, int begin)
{
    private readonly StreamingDecoder _decoder = new(model.Tokenizer, stripBoundary: false);
    private List<(TokenScore Score, int Offset)> _pending = [];
    private int _offset = begin;

    /// <returns>What goes with this token's text.</returns>
    public IReadOnlyList<(TokenScore Score, int Offset)> Next(EngineToken token)
    {
        if (token is { Id: { } id, Score: { } score })
        {
            _pending.Add((score, _offset));
            _offset += _decoder.Add(id).Length;
        }
        // What a stop string holds back is never sent.
        if (token.Text.Length == 0 && token.Finish is not FinishReason.Length) return [];
        var ready = _pending;
        _pending = [];
        return ready;
    }
}

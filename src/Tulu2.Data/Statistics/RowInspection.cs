using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Data.Statistics;

/// <summary>One token of a row, for display.</summary>
/// <param name="Piece">As the vocabulary writes it.</param>
/// <param name="Text">The text it adds; empty for a byte that does not complete a character.</param>
/// <param name="Scored">Whether the loss counts it.</param>
public sealed record InspectedToken(int Id, string Piece, string Text, bool Scored);

/// <summary>Neighbouring tokens that are all scored or all not.</summary>
public sealed record InspectedRun(string Text, bool Scored, int Tokens);

/// <summary>A row's tokens with its mask, for display.</summary>
public sealed record RowInspection(IReadOnlyList<InspectedToken> Tokens, EncodedSequence Sequence)
{
    public static RowInspection Of(SentencePieceBpeTokenizer tokenizer, EncodedSequence sequence)
    {
        var scored = new bool[sequence.Ids.Length];
        foreach (var span in sequence.Spans) scored.AsSpan(span.Begin..span.End).Fill(true);
        var decoder = new StreamingDecoder(tokenizer, stripBoundary: true, keepSpecial: true);
        var tokens = new InspectedToken[sequence.Ids.Length];
        for (var index = 0; index < tokens.Length; index++)
        {
            var id = sequence.Ids[index];
            var text = decoder.Add(id);
            if (index == tokens.Length - 1) text += decoder.Flush();
            tokens[index] = new InspectedToken(id, tokenizer.PieceOf(id), text, scored[index]);
        }
        return new RowInspection(tokens, sequence);
    }

    /// <summary>The text, split where the mask changes.</summary>
    public IReadOnlyList<InspectedRun> Runs()
    {
        var runs = new List<InspectedRun>();
        foreach (var token in Tokens)
        {
            if (runs.Count > 0 && runs[^1].Scored == token.Scored) runs[^1] = new InspectedRun(runs[^1].Text + token.Text, token.Scored, runs[^1].Tokens + 1);
            else runs.Add(new InspectedRun(token.Text, token.Scored, 1));
        }
        return runs;
    }
}

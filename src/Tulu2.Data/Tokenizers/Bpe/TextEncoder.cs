namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>Encodes text: added tokens are cut out; each stretch between them is normalized, split into chunks and merged.</summary>
internal sealed class TextEncoder
{
    private readonly TokenizerModel model;
    private readonly ChunkEncoder chunks;
    private readonly Splitters never, literal, library;

    private sealed record Splitters(AddedTokenSplitter Raw, AddedTokenSplitter Normalized);

    internal TextEncoder(TokenizerModel model)
    {
        this.model = model;
        chunks = new ChunkEncoder(model);
        var plain = model.AddedTokens.Where(token => !token.Special).ToList();
        never = ByFlag(plain);
        library = ByFlag(model.AddedTokens);
        // Special tokens are searched for in the raw text; added ordinary tokens where their own flag says.
        literal = new(
            new(model.AddedTokens.Where(token => token.Special || !token.OnNormalized).Select(token => (token.Content, token))),
            new(plain.Where(token => token.OnNormalized).Select(token => (token.Pattern, token))));
    }

    internal ChunkEncoder Chunks => chunks;

    internal void Encode(ReadOnlySpan<char> text, bool boundary, SpecialTokenParsing parsing, List<int> ids)
    {
        var splitters = parsing switch { SpecialTokenParsing.Never => never, SpecialTokenParsing.Literal => literal, _ => library };
        var again = parsing == SpecialTokenParsing.Library && model.Normalization.Boundary != BoundaryRule.FirstUnlessPresent;
        var from = 0;
        while (splitters.Raw.TryFind(text, from, out var token, out var start, out var end))
        {
            EncodeStretch(text[from..start], from == 0 ? boundary : again, splitters.Normalized, ids);
            ids.Add(token.Id);
            from = end;
        }
        EncodeStretch(text[from..], from == 0 ? boundary : again, splitters.Normalized, ids);
    }

    private void EncodeStretch(ReadOnlySpan<char> text, bool boundary, AddedTokenSplitter splitter, List<int> ids)
    {
        if (!text.IsEmpty) EncodeNormalized(model.Normalization.Apply(text, boundary), splitter, ids, offsets: null);
    }

    /// <summary>Ids of plain text that is already normalized, and optionally their offsets in it.</summary>
    internal void EncodeNormalized(ReadOnlySpan<char> normalized, List<int> ids, List<TokenOffsets>? offsets) =>
        EncodeNormalized(normalized, never.Normalized, ids, offsets);

    private void EncodeNormalized(ReadOnlySpan<char> normalized, AddedTokenSplitter splitter, List<int> ids, List<TokenOffsets>? offsets)
    {
        var from = 0;
        while (splitter.TryFind(normalized, from, out var token, out var start, out var end))
        {
            chunks.Encode(normalized[from..start], ids, offsets, from);
            ids.Add(token.Id);
            offsets?.Add(new(start, end));
            from = end;
        }
        chunks.Encode(normalized[from..], ids, offsets, from);
    }

    private static Splitters ByFlag(IEnumerable<AddedToken> tokens)
    {
        var byFlag = tokens.ToLookup(token => token.OnNormalized, token => (token.Pattern, token));
        return new(new(byFlag[false]), new(byFlag[true]));
    }
}

using System.Buffers;
using Microsoft.ML.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;

namespace Tulu2.Data.Tokenizers;

/// <summary>
/// The abstract members of the library's <see cref="Tokenizer"/>. Text is plain (special tokens in it are never parsed) and starts with the word
/// boundary; with <c>considerNormalization</c> false it is taken as already normalized. Offsets lie in the normalized text.
/// </summary>
public sealed partial class SentencePieceBpeTokenizer
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, stripBoundary: true);

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        (idsConsumed, charsWritten) = (0, 0);
        var decoder = new StreamingDecoder(this);
        var (read, written) = (0, 0);
        foreach (var id in ids)
        {
            var piece = decoder.Add(id);
            if (!piece.TryCopyTo(destination[written..])) return OperationStatus.DestinationTooSmall;
            written += piece.Length;
            read++;
            // The reported text ends with a whole character, so that the caller can continue there.
            if (!decoder.IsPending) (idsConsumed, charsWritten) = (read, written);
        }
        var rest = decoder.Flush();
        if (!rest.TryCopyTo(destination[written..])) return OperationStatus.DestinationTooSmall;
        (idsConsumed, charsWritten) = (read, written + rest.Length);
        return OperationStatus.Done;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var (normalized, ids, offsets) = EncodeWithOffsets(text, textSpan, settings.ConsiderNormalization);
        var count = CountFromStart(offsets, settings.MaxTokenCount);
        var tokens = new List<EncodedToken>(count);
        for (var i = 0; i < count; i++) tokens.Add(new EncodedToken(ids[i], model.Pieces[ids[i]], offsets[i].Start..offsets[i].End));
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = count == 0 ? 0 : offsets[count - 1].End };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (settings.MaxTokenCount == int.MaxValue)
        {
            var all = EncodeAll(text, textSpan, settings.ConsiderNormalization, out var whole);
            return new EncodeResults<int> { Tokens = all, NormalizedText = whole, CharsConsumed = whole.Length };
        }
        var (normalized, ids, offsets) = EncodeWithOffsets(text, textSpan, settings.ConsiderNormalization);
        var count = CountFromStart(offsets, settings.MaxTokenCount);
        return new EncodeResults<int> { Tokens = ids[..count], NormalizedText = normalized, CharsConsumed = count == 0 ? 0 : offsets[count - 1].End };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        settings.MaxTokenCount == int.MaxValue
            ? EncodeAll(text, textSpan, settings.ConsiderNormalization, out _).Count
            : CountFromStart(EncodeWithOffsets(text, textSpan, settings.ConsiderNormalization).Offsets, settings.MaxTokenCount);

    /// <inheritdoc/>
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        (normalizedText, _, var offsets) = EncodeWithOffsets(text, textSpan, settings.ConsiderNormalization);
        if (!fromEnd)
        {
            tokenCount = CountFromStart(offsets, settings.MaxTokenCount);
            return tokenCount == 0 ? 0 : offsets[tokenCount - 1].End;
        }
        var first = Math.Max(0, offsets.Count - settings.MaxTokenCount);
        while (first > 0 && first < offsets.Count && offsets[first - 1].End > offsets[first].Start) first++;
        tokenCount = offsets.Count - first;
        return tokenCount == 0 ? normalizedText!.Length : offsets[first].Start;
    }

    private List<int> EncodeAll(string? text, ReadOnlySpan<char> span, bool normalize, out string normalized)
    {
        if (text is not null) span = text;
        normalized = normalize ? model.Normalization.Apply(span, boundary: true) : span.ToString();
        var ids = new List<int>(normalized.Length / 3 + 4);
        encoder.EncodeNormalized(normalized, ids, offsets: null);
        return ids;
    }

    private (string Normalized, List<int> Ids, List<TokenOffsets> Offsets) EncodeWithOffsets(string? text, ReadOnlySpan<char> span, bool normalize)
    {
        if (text is not null) span = text;
        var normalized = normalize ? model.Normalization.Apply(span, boundary: true) : span.ToString();
        var (ids, offsets) = (new List<int>(normalized.Length / 3 + 4), new List<TokenOffsets>(normalized.Length / 3 + 4));
        encoder.EncodeNormalized(normalized, ids, offsets);
        return (normalized, ids, offsets);
    }

    /// <summary>Number of tokens, at most <paramref name="most"/>, that do not end within a character written in byte tokens.</summary>
    private static int CountFromStart(List<TokenOffsets> offsets, int most)
    {
        if (offsets.Count <= most) return offsets.Count;
        var count = most;
        while (count > 0 && offsets[count - 1].End > offsets[count].Start) count--;
        return count;
    }
}

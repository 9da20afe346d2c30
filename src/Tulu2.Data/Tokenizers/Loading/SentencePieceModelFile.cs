using Google.Protobuf;
using Tulu2.Data.Tokenizers.Bpe;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>
/// Reads SentencePiece's <c>tokenizer.model</c> (sentencepiece_model.proto) of type BPE. The rank of a merge is the rank of its piece's score.
/// </summary>
internal static class SentencePieceModelFile
{
    internal static TokenizerModel Read(string path, byte[] bytes, SpecialTokenFiles names)
    {
        var builder = new VocabularyBuilder(path);
        SentencePieceProto proto;
        try
        {
            proto = SentencePieceProto.Parse(bytes);
        }
        catch (Exception failure) when (failure is InvalidProtocolBufferException or ArgumentException)
        {
            throw builder.Broken("is cut short or not a SentencePiece model", failure);
        }
        Check(proto, builder);
        return Build(proto, builder, names);
    }

    /// <summary>Builds the tokenizer of a parsed or newly trained model.</summary>
    internal static TokenizerModel Build(SentencePieceProto proto, VocabularyBuilder builder, SpecialTokenFiles names)
    {
        var normalization = new Normalization(proto.AddDummyPrefix ? BoundaryRule.Always : BoundaryRule.None, ReplaceSpaces: true, SplitEachBoundary: false);
        var mergeable = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < proto.Pieces.Count; id++)
        {
            var (text, _, type) = proto.Pieces[id];
            var kind = type switch
            {
                SentencePieceType.Byte => PieceKind.Byte,
                SentencePieceType.Control or SentencePieceType.Unknown => PieceKind.Special,
                _ => PieceKind.Text,
            };
            if (kind == PieceKind.Byte && !VocabularyBuilder.IsBytePiece(text))
                throw builder.Broken($"the byte piece {VocabularyBuilder.Quote(text)} names no byte");
            builder.Put(id, text, kind);
            if (kind == PieceKind.Text) mergeable.TryAdd(text, id);
            if (kind == PieceKind.Special) builder.Add(new(id, text, Special: true, Normalized: false, StripLeft: false, StripRight: false), text);
            // SentencePiece looks for these in the normalized text.
            if (type == SentencePieceType.UserDefined)
                builder.Add(new(id, text, Special: false, Normalized: true, StripLeft: false, StripRight: false), normalization.Apply(text, boundary: false));
        }
        foreach (var token in names.Added)
            if (!builder.Has(token.Id) || (proto.Pieces[token.Id] is { Type: SentencePieceType.Normal } piece && piece.Text == token.Content))
                builder.Add(token, token.Normalized ? normalization.Apply(token.Content, boundary: true) : token.Content);

        int Find(string? name, int given)
        {
            if (name is null) return given;
            for (var id = 0; id < proto.Pieces.Count; id++)
                if (proto.Pieces[id].Text == name) return id;
            return names.Added.FirstOrDefault(token => token.Content == name)?.Id ?? -1;
        }
        return builder.Build(
            Merges(proto, mergeable), normalization, fuseUnknown: true, ignoreMerges: false,
            Find(names.Beginning, proto.BeginningId), Find(names.End, proto.EndId), Find(names.Unknown, proto.UnknownId), Find(names.Pad, proto.PadId));
    }

    private static void Check(SentencePieceProto proto, VocabularyBuilder builder)
    {
        if (proto.ModelType is null || !proto.HasNormalizer)
            throw builder.Broken("is cut short or not a SentencePiece model: its trainer or normalizer part is missing");
        if (proto.ModelType != SentencePieceProto.Bpe) throw builder.Unsupported($"its model type is {proto.ModelType}, not BPE");
        if (proto.Pieces.Count < proto.VocabularySize)
            throw builder.Broken($"is cut short: it has {proto.Pieces.Count} pieces and says that there are {proto.VocabularySize}");
        if (proto.HasCharacterMap) throw builder.Unsupported("its normalizer rewrites characters");
        if (proto.RemoveExtraSpaces) throw builder.Unsupported("its normalizer removes spaces");
        if (!proto.EscapeSpaces || proto.SpaceAsSuffix) throw builder.Unsupported("it does not write spaces as U+2581 before a word");
        foreach (var piece in proto.Pieces)
        {
            if (piece.Type == SentencePieceType.Unused) throw builder.Unsupported($"its piece {VocabularyBuilder.Quote(piece.Text)} is marked unused");
            if (piece.Text.Length == 0) throw builder.Broken("has an empty piece");
        }
    }

    /// <summary>
    /// SentencePiece merges any two neighbours whose joined text is a piece, the highest score first. So every way to split a piece into two others is
    /// a merge with that piece's rank. Pieces of equal score share a rank; the leftmost pair then goes first.
    /// </summary>
    private static Dictionary<ulong, Merge> Merges(SentencePieceProto proto, Dictionary<string, int> mergeable)
    {
        var scores = mergeable.Values.Select(id => proto.Pieces[id].Score).Distinct().OrderDescending().ToArray();
        var ranks = new Dictionary<float, int>(scores.Length);
        for (var rank = 0; rank < scores.Length; rank++) ranks[scores[rank]] = rank;
        var lookup = mergeable.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new Dictionary<ulong, Merge>(mergeable.Count * 2);
        foreach (var (piece, id) in mergeable)
            for (var cut = 1; cut < piece.Length; cut++)
                if (lookup.TryGetValue(piece.AsSpan(0, cut), out var left) && lookup.TryGetValue(piece.AsSpan(cut), out var right))
                    merges[TokenizerModel.Key(left, right)] = new Merge(ranks[proto.Pieces[id].Score], id);
        return merges;
    }
}

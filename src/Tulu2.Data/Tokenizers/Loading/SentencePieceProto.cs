using Google.Protobuf;

namespace Tulu2.Data.Tokenizers.Loading;

internal enum SentencePieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 }

internal readonly record struct ScoredPiece(string Text, float Score, SentencePieceType Type);

/// <summary>
/// The fields of sentencepiece_model.proto's <c>ModelProto</c> that decide ids; defaults are the schema's. Field numbers: ModelProto pieces 1,
/// trainer_spec 2, normalizer_spec 3; SentencePiece piece 1, score 2, type 3; others beside their use.
/// </summary>
internal sealed record SentencePieceProto(IReadOnlyList<ScoredPiece> Pieces)
{
    internal const int Bpe = 2;

    internal int? ModelType { get; private set; }
    internal int VocabularySize { get; private set; }
    internal bool SpaceAsSuffix { get; private set; }
    internal int UnknownId { get; init; }
    internal int BeginningId { get; private set; } = 1;
    internal int EndId { get; private set; } = 2;
    internal int PadId { get; private set; } = -1;
    internal bool HasNormalizer { get; private set; }
    internal bool HasCharacterMap { get; private set; }
    internal bool AddDummyPrefix { get; private set; } = true;
    internal bool RemoveExtraSpaces { get; private set; } = true;
    internal bool EscapeSpaces { get; private set; } = true;

    /// <exception cref="InvalidProtocolBufferException">The bytes end early or are not such a message.</exception>
    internal static SentencePieceProto Parse(byte[] bytes)
    {
        var pieces = new List<ScoredPiece>();
        byte[]? trainer = null, normalizer = null;
        foreach (var (field, input) in Fields(bytes))
            switch (field)
            {
                case 1: pieces.Add(Piece(input.ReadBytes().ToByteArray())); break;
                case 2: trainer = input.ReadBytes().ToByteArray(); break;
                case 3: normalizer = input.ReadBytes().ToByteArray(); break;
                default: input.SkipLastField(); break;
            }
        var unknown = pieces.FindIndex(piece => piece.Type == SentencePieceType.Unknown);
        var proto = new SentencePieceProto(pieces) { UnknownId = unknown };
        if (trainer is not null) proto.ReadTrainer(trainer);
        if (normalizer is not null) proto.ReadNormalizer(normalizer);
        return proto;
    }

    private static ScoredPiece Piece(byte[] bytes)
    {
        var (text, score, type) = ("", 0f, SentencePieceType.Normal);
        foreach (var (field, input) in Fields(bytes))
            switch (field)
            {
                case 1: text = input.ReadString(); break;
                case 2: score = input.ReadFloat(); break;
                case 3: type = (SentencePieceType)input.ReadEnum(); break;
                default: input.SkipLastField(); break;
            }
        return new(text, score, type);
    }

    private void ReadTrainer(byte[] bytes)
    {
        ModelType = 1;
        foreach (var (field, input) in Fields(bytes))
            switch (field)
            {
                case 3: ModelType = input.ReadEnum(); break;
                case 4: VocabularySize = input.ReadInt32(); break;
                case 24: SpaceAsSuffix = input.ReadBool(); break;
                case 41: BeginningId = input.ReadInt32(); break;
                case 42: EndId = input.ReadInt32(); break;
                case 43: PadId = input.ReadInt32(); break;
                default: input.SkipLastField(); break;
            }
    }

    private void ReadNormalizer(byte[] bytes)
    {
        HasNormalizer = true;
        foreach (var (field, input) in Fields(bytes))
            switch (field)
            {
                case 2: HasCharacterMap = input.ReadBytes().Length > 0; break;
                case 3: AddDummyPrefix = input.ReadBool(); break;
                case 4: RemoveExtraSpaces = input.ReadBool(); break;
                case 5: EscapeSpaces = input.ReadBool(); break;
                default: input.SkipLastField(); break;
            }
    }

    private static IEnumerable<(int Field, CodedInputStream Input)> Fields(byte[] bytes)
    {
        using var input = new CodedInputStream(bytes);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag()) yield return (WireFormat.GetTagFieldNumber(tag), input);
    }
}

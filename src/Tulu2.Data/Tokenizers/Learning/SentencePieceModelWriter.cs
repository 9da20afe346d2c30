using Google.Protobuf;
using Tulu2.Data.Tokenizers.Loading;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>Writes a vocabulary as sentencepiece_model.proto's <c>ModelProto</c>, with the settings of Llama's own file.</summary>
internal static class SentencePieceModelWriter
{
    internal static byte[] Write(IReadOnlyList<ScoredPiece> pieces, SentencePieceTrainerOptions options) => Message(model =>
    {
        foreach (var piece in pieces) model.Bytes(1, Piece(piece));
        model.Bytes(2, Trainer(pieces, options));
        model.Bytes(3, Normalizer());
    });

    private static byte[] Piece(ScoredPiece piece) => Message(message =>
    {
        message.Text(1, piece.Text);
        message.Float(2, piece.Score);
        if (piece.Type != SentencePieceType.Normal) message.Number(3, (int)piece.Type);
    });

    private static byte[] Trainer(IReadOnlyList<ScoredPiece> pieces, SentencePieceTrainerOptions options) => Message(message =>
    {
        message.Number(3, SentencePieceProto.Bpe); // model_type
        message.Number(4, pieces.Count); // vocab_size
        message.Float(10, (float)options.CharacterCoverage);
        message.Number(20, options.LongestPiece); // max_sentencepiece_length
        message.Flag(21, true); // split_by_unicode_script
        message.Flag(22, true); // split_by_whitespace
        message.Flag(23, true); // split_by_number
        message.Flag(24, false); // treat_whitespace_as_suffix
        message.Flag(25, options.SplitDigits);
        message.Flag(26, true); // allow_whitespace_only_pieces
        message.Flag(35, true); // byte_fallback
        message.Number(40, 0); // unk_id
        message.Number(41, 1); // bos_id
        message.Number(42, 2); // eos_id
        message.Number(43, -1); // pad_id: none
        message.Text(45, "<unk>");
        message.Text(46, "<s>");
        message.Text(47, "</s>");
    });

    private static byte[] Normalizer() => Message(message =>
    {
        message.Text(1, "identity");
        message.Bytes(2, []); // precompiled_charsmap: none
        message.Flag(3, true); // add_dummy_prefix
        message.Flag(4, false); // remove_extra_whitespaces
        message.Flag(5, true); // escape_whitespaces
    });

    private static byte[] Message(Action<Fields> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true)) write(new Fields(output));
        return stream.ToArray();
    }

    private readonly struct Fields(CodedOutputStream output)
    {
        internal void Number(int field, int value)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt32(value);
        }

        internal void Flag(int field, bool value) => Number(field, value ? 1 : 0);

        internal void Float(int field, float value)
        {
            output.WriteTag(field, WireFormat.WireType.Fixed32);
            output.WriteFloat(value);
        }

        internal void Text(int field, string value)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteString(value);
        }

        internal void Bytes(int field, byte[] value)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(value));
        }
    }
}

using System.Buffers;
using System.Text;

namespace Tulu2.Data.Tokenizers;

/// <summary>
/// Decodes ids as they are generated. The returned text never ends within a character: bytes of an unfinished one are kept. The parts joined
/// are exactly what <see cref="SentencePieceBpeTokenizer.Decode(IEnumerable{int}, bool, bool)"/> gives for all the ids.
/// </summary>
/// <param name="tokenizer">The tokenizer of the ids.</param>
/// <param name="stripBoundary">Drop the word boundary at the very start. False for ids that continue a text, such as a generated answer.</param>
/// <param name="keepSpecial">Write special tokens out by name instead of leaving them out.</param>
public sealed class StreamingDecoder(SentencePieceBpeTokenizer tokenizer, bool stripBoundary = true, bool keepSpecial = false)
{
    private byte[] kept = [];
    private bool started = !stripBoundary;

    /// <summary>True while bytes of an unfinished character are kept back.</summary>
    public bool IsPending => kept.Length > 0;

    /// <summary>The text that <paramref name="id"/> completes; empty within a character made of byte tokens.</summary>
    public string Add(int id)
    {
        var fresh = tokenizer.TextOf(id, keepSpecial, ref started);
        if (fresh.IsEmpty) return "";
        ReadOnlySpan<byte> bytes = kept.Length == 0 ? fresh : [.. kept, .. fresh];
        var whole = bytes.Length - UnfinishedLength(bytes);
        kept = bytes[whole..].ToArray();
        return Encoding.UTF8.GetString(bytes[..whole]);
    }

    /// <summary>The remaining text: an unfinished character becomes U+FFFD. The decoder is then as new.</summary>
    public string Flush()
    {
        var rest = Encoding.UTF8.GetString(kept);
        (kept, started) = ([], !stripBoundary);
        return rest;
    }

    // An unfinished character has at most 3 bytes. It starts with a lead byte, so that splitting before it changes nothing.
    private static int UnfinishedLength(ReadOnlySpan<byte> bytes)
    {
        for (var length = Math.Min(3, bytes.Length); length > 0; length--)
            if (Rune.DecodeFromUtf8(bytes[^length..], out _, out var used) == OperationStatus.NeedMoreData && used == length)
                return length;
        return 0;
    }
}

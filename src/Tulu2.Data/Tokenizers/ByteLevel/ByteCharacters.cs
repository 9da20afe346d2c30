using System.Text;

namespace Tulu2.Data.Tokenizers.ByteLevel;

/// <summary>
/// The printable character that stands for each byte in the vocabulary of a byte-level tokenizer (GPT-2's <c>bytes_to_unicode</c>): printable Latin-1
/// characters stand for
/// themselves, the other bytes for U+0100 and on, in order.
/// </summary>
internal static class ByteCharacters
{
    private static readonly char[] OfByte = Make();
    private static readonly Dictionary<char, byte> ToByte = Enumerable.Range(0, 256).ToDictionary(value => OfByte[value], value => (byte)value);

    public static char Of(byte value) => OfByte[value];

    /// <summary>The text's UTF-8 bytes as characters; a lone surrogate becomes U+FFFD first.</summary>
    public static string Of(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(length, bytes, static (into, from) =>
        {
            for (var at = 0; at < into.Length; at++) into[at] = OfByte[from[at]];
        });
    }

    /// <summary>The bytes that a piece stands for; characters that stand for no byte are left out.</summary>
    public static byte[] Bytes(string piece) => [.. piece.Where(ToByte.ContainsKey).Select(character => ToByte[character])];

    private static char[] Make()
    {
        var result = new char[256];
        var next = (char)0x100;
        for (var value = 0; value < 256; value++)
            result[value] = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;
        return result;
    }
}

using System.Globalization;
using System.Text;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>Reads one quoted text of Python source.</summary>
internal static class PythonString
{
    /// <param name="at">The first quote; afterwards what follows the last one.</param>
    /// <returns>Null: Python refuses it.</returns>
    public static string? Read(string source, ref int at, bool raw, bool bytes)
    {
        var quote = source[at];
        var isLong = source.AsSpan(at).StartsWith([quote, quote, quote]);
        var length = isLong ? 3 : 1;
        at += length;
        var text = new StringBuilder();
        while (at < source.Length)
        {
            var character = source[at];
            if (character == quote && (!isLong || source.AsSpan(at).StartsWith([quote, quote, quote])))
            {
                at += length;
                return text.ToString();
            }
            if (!isLong && character is '\n' or '\r' || character == '\0' || bytes && character > 127) return null;
            if (character != '\\')
            {
                text.Append(character);
                at++;
                continue;
            }
            if (++at >= source.Length) return null;
            if (raw) text.Append('\\').Append(source[at++]);
            else if (!Escape(source, ref at, text, bytes)) return null;
        }
        return null;
    }

    private static bool Escape(string source, ref int at, StringBuilder text, bool bytes)
    {
        var letter = source[at++];
        switch (letter)
        {
            case '\n':
                return true;
            case 'x':
                return Code(source, ref at, 2, text);
            case 'u' when !bytes:
                return Code(source, ref at, 4, text);
            case 'U' when !bytes:
                return Code(source, ref at, 8, text);
            // By their Unicode names: no ranking has one.
            case 'N' when !bytes:
                return false;
            case >= '0' and <= '7':
                var value = letter - '0';
                for (var more = 0; more < 2 && at < source.Length && source[at] is >= '0' and <= '7'; more++) value = value * 8 + source[at++] - '0';
                text.Append((char)value);
                return true;
            default:
                var known = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
                for (var i = 0; i < known.Length; i += 2)
                    if (known[i] == letter)
                    {
                        text.Append(known[i + 1]);
                        return true;
                    }
                // Python keeps what is no escape.
                text.Append('\\').Append(letter);
                return true;
        }
    }

    private static bool Code(string source, ref int at, int digits, StringBuilder text)
    {
        if (at + digits > source.Length || !int.TryParse(source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)) return false;
        at += digits;
        if (code is < 0 or > 0x10FFFF) return false;
        if (code is >= 0xD800 and <= 0xDFFF) text.Append((char)code);
        else text.Append(char.ConvertFromUtf32(code));
        return true;
    }
}

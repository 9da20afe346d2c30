using System.Text;

namespace Tulu2.Mixtures.Python;

/// <summary>Texts as Python writes them, so that rows have the bytes that the original scripts wrote.</summary>
internal static class PythonText
{
    private const string Digits = "0123456789abcdef";

    /// <summary>Appends a text as <c>json.dumps</c> writes it: in quotes, everything beyond printable ASCII escaped.</summary>
    public static void AppendJson(StringBuilder json, string text)
    {
        json.Append('"');
        var plain = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var character = text[at];
            if (character is >= ' ' and <= '~' and not '"' and not '\\') continue;
            json.Append(text, plain, at - plain);
            plain = at + 1;
            AppendEscaped(json, character);
        }
        json.Append(text, plain, text.Length - plain).Append('"');
    }

    private static void AppendEscaped(StringBuilder json, char character)
    {
        var letter = character switch { '"' => '"', '\\' => '\\', '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', '\f' => 'f', _ => 'u' };
        json.Append('\\').Append(letter);
        if (letter != 'u') return;
        for (var shift = 12; shift >= 0; shift -= 4) json.Append(Digits[(character >> shift) & 15]);
    }
}

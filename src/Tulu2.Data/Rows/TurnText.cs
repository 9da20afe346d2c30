using Tulu2.Data.Python;

namespace Tulu2.Data.Rows;

/// <summary>A turn's text as the chat template uses it.</summary>
internal static class TurnText
{
    /// <summary>
    /// Python's <c>str.strip()</c>, which the original code used: .NET's white space and the four separator control characters U+001C to U+001F.
    /// </summary>
    public static string Strip(string text)
    {
        var start = 0;
        var end = text.Length;
        while (start < end && IsSpace(text[start])) start++;
        while (end > start && IsSpace(text[end - 1])) end--;
        return text[start..end];
    }

    /// <summary>Python's <c>str.rstrip()</c>.</summary>
    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[^1])) text = text[..^1];
        return text;
    }

    private static bool IsSpace(char character) => PythonText.IsSpace(character);
}

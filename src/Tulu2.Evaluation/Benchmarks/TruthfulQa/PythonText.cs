namespace Tulu2.Evaluation.Benchmarks.TruthfulQa;

/// <summary>Python's <c>str.strip</c>, whose white space has four control characters more than .NET's.</summary>
internal static class PythonText
{
    public static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start])) start++;
        while (end > start && IsSpace(text[end - 1])) end--;
        return text[start..end];
    }

    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';
}

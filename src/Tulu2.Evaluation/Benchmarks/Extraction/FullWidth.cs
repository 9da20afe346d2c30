namespace Tulu2.Evaluation.Benchmarks.Extraction;

/// <summary>The full-width forms of ASCII, U+FF01 to U+FF5E. .NET normalises nothing where it is built without ICU.</summary>
internal static class FullWidth
{
    /// <summary>The ASCII character of a full-width form; any other character as it is.</summary>
    public static int ToAscii(int character) => character is >= 0xFF01 and <= 0xFF5E ? character - 0xFEE0 : character;
}

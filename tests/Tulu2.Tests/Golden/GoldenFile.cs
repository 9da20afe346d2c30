using System.Text.Json;
using Xunit;

namespace Tulu2.Tests.Golden;

/// <summary>
/// Files of the repository that hold what the program made when they were last refreshed. <c>TULU2_REFRESH_GOLDEN=1</c> writes them anew, in the source tree;
/// the difference is then read and committed like any other change.
/// </summary>
internal static class GoldenFile
{
    public static bool IsRefreshing { get; } = Environment.GetEnvironmentVariable("TULU2_REFRESH_GOLDEN") == "1";

    /// <summary>Fails unless the file holds this text.</summary>
    /// <param name="path">Of the file, from the root of the repository.</param>
    public static void Check(string text, params string[] path)
    {
        if (IsRefreshing) File.WriteAllText(Checkout.Path(path), text);
        var before = Read(path);
        if (text != before) Assert.Fail(Difference(before, text, path));
    }

    /// <inheritdoc cref="Check(string, string[])"/>
    public static void Check(ReadOnlySpan<byte> bytes, params string[] path)
    {
        if (IsRefreshing) File.WriteAllBytes(Checkout.Path(path), bytes);
        Assert.True(bytes.SequenceEqual(File.ReadAllBytes(Checkout.Path(path))), Difference("", "", path));
    }

    /// <summary>One line of JSON for each item, its keys in snake case.</summary>
    public static string Lines<T>(IEnumerable<T> items) => string.Concat(items.Select(item => JsonSerializer.Serialize(item, Json) + '\n'));

    public static string Read(params string[] path) => File.Exists(Checkout.Path(path)) ? File.ReadAllText(Checkout.Path(path)) : "";

    /// <summary>The first line that differs, and how the file is refreshed.</summary>
    public static string Difference(string expected, string actual, params string[] path)
    {
        var (before, after) = (expected.Split('\n'), actual.Split('\n'));
        var line = before.Zip(after).TakeWhile(pair => pair.First == pair.Second).Count();
        var name = Path.Combine(path);
        return $"""
            {name}:{line + 1} is not what the program makes
            expected {before.ElementAtOrDefault(line)}
            actual   {after.ElementAtOrDefault(line)}
            fix: if the change is meant, run the test with TULU2_REFRESH_GOLDEN=1, read `git diff {name}` and commit it
            """;
    }

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}

using System.Text.RegularExpressions;
using Xunit;

namespace Tulu2.Tests;

/// <summary>What no analyzer sees: the length of lines, and that documents which the code cites, or which list what is in it, are whole.</summary>
public partial class SourceTests
{
    // New code keeps to the 160 of .editorconfig. No line may be longer than the longest that there is, texts in quotes left out; lower it when that one goes.
    private const int Longest = 218;

    private static readonly List<string> Sources = [.. Checkout.Sources("src"), .. Checkout.Sources("tests")];

    [Fact]
    public void No_line_is_longer_than_the_longest()
    {
        var tooLong = Lines().Where(line => line.Text.Length > 160 && Quoted().Replace(line.Text, "\"\"").Length > Longest).Select(line => $"{line.Path}:{line.Number}");
        Assert.Equal("", string.Join('\n', tooLong));
    }

    [Fact]
    public void Documents_that_the_code_cites_are_in_the_repository()
    {
        var missing = from line in Lines()
                      from Match cited in Document().Matches(line.Text)
                      where !File.Exists(Checkout.Path(cited.Value))
                      select $"{line.Path}:{line.Number}: {cited.Value}";
        Assert.Equal("", string.Join('\n', missing));
    }

    [Fact]
    public void Environment_variables_that_the_code_reads_or_sets_are_in_their_table()
    {
        var table = File.ReadAllText(Checkout.Path("docs", "environment.md"));
        var missing = from line in Lines()
                      from Match read in Variable().Matches(line.Text)
                      where !table.Contains($"`{read.Groups[1].Value}`") && !table.Contains($"`{read.Groups[1].Value}=")
                      select $"{line.Path}:{line.Number}: {read.Groups[1].Value}";
        Assert.Equal("", string.Join('\n', missing));
    }

    private static IEnumerable<(string Path, int Number, string Text)> Lines() =>
        Sources.SelectMany(path => File.ReadLines(path).Select((text, index) => (Path.GetRelativePath(Checkout.Root, path), index + 1, text)));

    [GeneratedRegex("\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("Environment(?:Variable\\(|\\[)\"([A-Za-z0-9_]+)\"")]
    private static partial Regex Variable();

    [GeneratedRegex(@"docs/[A-Za-z0-9_./-]+\.md")]
    private static partial Regex Document();
}

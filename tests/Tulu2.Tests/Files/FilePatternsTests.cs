using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class FilePatternsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public FilePatternsTests()
    {
        foreach (var name in new[] { "b.jsonl", "a10.jsonl", "a9.jsonl", "B.jsonl", ".hidden.jsonl", "notes.txt", "deep/c.jsonl", "deep/er/d.jsonl", "deep/.secret/e.jsonl" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
            folder.Write(name, "");
        }
        Directory.CreateDirectory(folder.File("folder.jsonl"));
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("*.jsonl", "B.jsonl a10.jsonl a9.jsonl b.jsonl")]
    [InlineData("a?.jsonl", "a9.jsonl")]
    [InlineData("*/*.jsonl", "deep/c.jsonl")]
    [InlineData("d*/er/d.jsonl", "deep/er/d.jsonl")]
    [InlineData("**/*.jsonl", "B.jsonl a10.jsonl a9.jsonl b.jsonl deep/c.jsonl deep/er/d.jsonl")]
    [InlineData("deep/**", "deep/c.jsonl deep/er/d.jsonl")]
    [InlineData(".*.jsonl", ".hidden.jsonl")]
    [InlineData("../*/b.jsonl", null)]
    public void A_pattern_stands_for_the_files_that_match_in_ordinal_order(string pattern, string? files)
    {
        var found = FilePatterns.Expand(folder.File(pattern));
        if (files is null) Assert.Contains(folder.File("b.jsonl"), found);
        else Assert.Equal(files.Split(' ').Select(folder.File), found);
    }

    [Fact]
    public void A_path_without_a_pattern_is_itself_be_it_there_or_not() =>
        Assert.Equal([folder.File("none.jsonl")], FilePatterns.Expand(folder.File("deep/../none.jsonl")));

    [Fact]
    public void What_lies_under_the_very_name_is_meant_by_it()
    {
        folder.Write("a*.jsonl", "");
        Assert.Equal([folder.File("a*.jsonl")], FilePatterns.Expand(folder.File("a*.jsonl")));
    }

    [Fact]
    public void A_pattern_without_a_match_is_bad_input_that_names_it()
    {
        var failure = Assert.Throws<BadInputException>(() => FilePatterns.Expand(folder.File("*.parquet")));
        Assert.Equal((folder.File("*.parquet"), "no file matches"), (failure.Where, failure.What));
        Assert.Throws<BadInputException>(() => FilePatterns.Expand(folder.File("none/*.jsonl")));
        Assert.Throws<BadInputException>(() => FilePatterns.Expand(folder.File("folder.json?")));
    }

    [Fact]
    public void Where_one_file_is_wanted_several_are_bad_input()
    {
        Assert.Equal(folder.File("b.jsonl"), FilePatterns.One(folder.File("b*.jsonl")));
        Assert.Contains("stands for 4 files", Assert.Throws<BadInputException>(() => FilePatterns.One(folder.File("*.jsonl"))).What);
    }

    [Fact]
    public void A_link_to_a_folder_above_is_no_endless_way()
    {
        Directory.CreateSymbolicLink(folder.File("deep/up"), folder.Root);
        Assert.Equal(2, FilePatterns.Expand(folder.File("deep/**/*.jsonl")).Count);
    }

    [Fact]
    public void A_tilde_at_the_start_is_the_home_directory()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        Assert.Equal(Path.Combine(home, "rows.jsonl"), FilePatterns.Home("~/rows.jsonl"));
        Assert.Equal(home, FilePatterns.Home("~"));
        Assert.Equal("a/~/b", FilePatterns.Home("a/~/b"));
        Assert.Equal("~backup", FilePatterns.Home("~backup"));
    }
}

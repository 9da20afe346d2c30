using Tulu2.Data.Rows;
using Tulu2.Data.Statistics.Content;
using Xunit;

namespace Tulu2.Tests.Data.Statistics.Content;

public sealed class ContentStatisticsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Turns_are_counted_in_bins_without_those_of_the_system()
    {
        var path = folder.Write("rows.jsonl", string.Join('\n', Row("a", "s:x", "u:q", "a:b"), Row("a", "u:q1", "a:bb", "u:q", "a:bb"), Row("b", "a:b"),
            Row("b", "u:1", "a:1", "u:2", "a:2", "u:3", "a:3", "u:4", "a:4", "u:5")));
        var turns = ContentStatistics.Of([path], RowKind.Messages, []).Turns;
        Assert.Equal([new(1, 1, 1), new(2, 2, 1), new(3, 4, 1), new(5, 8, 0), new TurnBin(9, 16, 1)], turns.Bins);
        Assert.Equal(["1", "2", "3-4", "5-8", "9-16"], turns.Bins.Select(bin => bin.Label));
        Assert.Equal((4.0, 9), (turns.Mean, turns.Most));
        Assert.Equal((9 / 8.0, 10 / 8.0), (turns.UserCharacters, turns.AssistantCharacters));
    }

    [Fact]
    public void Duplicates_are_found_over_files_by_what_the_chat_template_makes_of_them()
    {
        var first = folder.Write("first.jsonl", string.Join('\n', Row("a", "u:q", "a:b"), "broken", Row("a", "u:q", "a:c"), Row("a", "u: q ", "a:b\\n")));
        var second = folder.Write("second.jsonl", string.Join('\n', Row("b", "s:s", "u:q", "a:b"), Row("a", "u:q", "a:b"), Row("b", "u:r", "a:b")));
        var content = ContentStatistics.Of([first, second], RowKind.Messages, []);
        Assert.Equal((6L, 2L, 4L), (content.Rows, content.Duplicates.Rows, content.Duplicates.Prompts));
        Assert.Equal([new(new(first, 4), new(first, 1)), new DuplicateRow(new(second, 2), new(first, 1))], content.Duplicates.Examples);
        Assert.Equal([new("a", 4, 8, 2, 3), new SourceContent("b", 2, 4, 0, 1)], content.Datasets);
        Assert.Equal([new(first, 3, 6, 1, 2), new SourceContent(second, 3, 6, 1, 2)], content.Files);
        Assert.Equal(6, content.Languages.Sampled);
    }

    [Fact]
    public void Rows_that_training_leaves_out_do_not_count()
    {
        var path = folder.Write("rows.jsonl", string.Join('\n', Row("a", "u:q", "a:b"), Row("a", "u:q", "a:b"), Row("a", "u:q", "a:b")));
        var content = ContentStatistics.Of([path], RowKind.Messages, [new RowFault(new RowLocation(path, 1), "why", RowFaultKind.NothingToLearn)]);
        Assert.Equal((2L, 1L), (content.Rows, content.Duplicates.Rows));
        Assert.Equal(new DuplicateRow(new(path, 3), new(path, 2)), Assert.Single(content.Duplicates.Examples));
    }

    [Fact]
    public void A_pair_is_repeated_where_both_of_its_sides_are()
    {
        static string Pair(string chosen, string rejected) => $$"""{"prompt":"q","chosen":"{{chosen}}","rejected":"{{rejected}}"}""";
        var path = folder.Write("pairs.jsonl", string.Join('\n', Pair("a", "b"), Pair("b", "a"), Pair("a", "c"), Pair("a", "b")));
        var content = ContentStatistics.Of([path], RowKind.Preferences, []);
        Assert.Equal((4L, 1L, 3L, 2.0), (content.Rows, content.Duplicates.Rows, content.Duplicates.Prompts, content.Turns.Mean));
    }

    // The numbers were counted by another program.
    [SkippableFact]
    public void The_real_sample_of_the_mixture_is_counted_right()
    {
        var content = ContentStatistics.Of([ReferenceData.Require("tulu_v2_mix_sample", "sample_debug.jsonl.gz")], RowKind.Messages, []);
        Assert.Equal((512L, 0L, 1L), (content.Rows, content.Duplicates.Rows, content.Duplicates.Prompts));
        Assert.Equal((44, 1658L), (content.Turns.Most, content.Datasets.Sum(source => source.Turns)));
        Assert.Equal((357.25452352231605, 814.7925211097709), (content.Turns.UserCharacters, content.Turns.AssistantCharacters));
        Assert.Equal((80L, 786L), content.Datasets.Where(source => source.Name == "sharegpt").Select(source => (source.Rows, source.Turns)).Single());
        Assert.InRange(content.Languages.Languages.First(language => language.Name == "English").Rows, 450, 490);
    }

    // Turns as role and text: s:, u: and a:.
    private static string Row(string dataset, params string[] turns)
    {
        var messages = turns.Select(turn => $$"""{"role":"{{(turn[0] == 's' ? "system" : turn[0] == 'u' ? "user" : "assistant")}}","content":"{{turn[2..]}}"}""");
        return $$"""{"dataset":"{{dataset}}","messages":[{{string.Join(',', messages)}}]}""";
    }
}

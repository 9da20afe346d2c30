using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Rows in the forms that people have: read as what they mean, or refused by name.</summary>
public sealed class RowFormTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(RowShapes.Instructions), MemberType = typeof(RowShapes))]
    public void An_instruction_row_is_told_by_its_keys(string record, string form, string dialogue)
    {
        var path = folder.Write("rows.jsonl", record);
        Assert.Equal((form, RowKind.Messages), (RowFormats.Of(path), RowKinds.Find(path)));
        Assert.Equal(dialogue, Text(Assert.Single(RowReader.ReadMessages(path)).Row!.Messages));
        Assert.Equal(dialogue, Text(Assert.Single(RowReader.ReadMessages(new DataFile(path) { Format = form })).Row!.Messages));
    }

    [Theory]
    [MemberData(nameof(RowShapes.Pairs), MemberType = typeof(RowShapes))]
    public void A_pair_is_told_by_its_keys(string record, string chosen, string rejected)
    {
        var path = folder.Write("pairs.jsonl", record);
        Assert.Equal(("preferences", RowKind.Preferences), (RowFormats.Of(path), RowKinds.Find(path)));
        var pair = Assert.Single(RowReader.ReadPreferences(path)).Row!;
        Assert.Equal((chosen, rejected), (Text(pair.Chosen), Text(pair.Rejected)));
    }

    [Theory]
    [MemberData(nameof(RowShapes.RefusedInstructions), MemberType = typeof(RowShapes))]
    public void An_instruction_row_that_cannot_be_meant_is_refused_by_name(string record, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", record))).Fault!.Reason);

    [Theory]
    [MemberData(nameof(RowShapes.RefusedPairs), MemberType = typeof(RowShapes))]
    public void A_pair_that_cannot_be_meant_is_refused_by_name(string record, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadPreferences(folder.Write("pairs.jsonl", record))).Fault!.Reason);

    [Theory]
    [MemberData(nameof(RowShapes.Unpaired), MemberType = typeof(RowShapes))]
    public void An_unpaired_preference_is_told_by_its_keys(string record, string meaning)
    {
        var path = folder.Write("rows.jsonl", record);
        Assert.Equal(("kto", RowKind.Unpaired), (RowFormats.Of(path), RowKinds.Find(path)));
        Assert.Equal(meaning, RowShapes.Text(Assert.Single(RowReader.ReadUnpaired(path)).Row!));
        Assert.Equal(meaning, RowShapes.Text(Assert.Single(RowReader.ReadUnpaired(new DataFile(path) { Format = "kto" })).Row!));
    }

    [Theory]
    [MemberData(nameof(RowShapes.RefusedUnpaired), MemberType = typeof(RowShapes))]
    public void An_unpaired_preference_that_cannot_be_meant_is_refused_by_name(string record, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadUnpaired(folder.Write("rows.jsonl", record))).Fault!.Reason);

    [Fact]
    public void A_pair_is_two_unpaired_preferences_at_its_line()
    {
        var path = folder.Write("pairs.jsonl", """
            {"id":"7","prompt":"q","chosen":"a","rejected":"b","dataset":"d"}
            {"prompt":"q","chosen":"a","rejected":"a"}
            {"prompt":"r","chosen":"c","rejected":"d"}
            """);
        var results = RowReader.ReadUnpaired(path).ToList();
        Assert.Equal(["user:q assistant:a +", "user:q assistant:b -", null, "user:r assistant:c +", "user:r assistant:d -"], results.Select(result => result.Row is { } row ? RowShapes.Text(row) : null));
        Assert.Equal(("7", "d", 1L), (results[1].Row!.Id, results[1].Row!.Dataset, results[1].Row!.Location.Line));
        Assert.Equal((2L, RowFaultKind.Dirt), (results[2].Fault!.Location.Line, results[2].Fault!.Kind));
        Assert.Equal((true, "preferences"), RowFormats.Look(path, RowKind.Unpaired));
        Assert.False(RowKinds.CanBeReadAs(folder.Write("kto.jsonl", """{"prompt":"q","completion":"a","label":true}"""), RowKind.Preferences));
    }

    [Fact]
    public void The_label_of_another_column_is_read_where_it_is_named()
    {
        var path = folder.Write("rows.jsonl", """{"question":"q","reply":"a","liked":false}""");
        var file = new DataFile(path) { Columns = new Dictionary<string, string> { ["prompt"] = "question", ["completion"] = "reply", ["label"] = "liked" } };
        Assert.Equal("user:q assistant:a -", RowShapes.Text(Assert.Single(RowReader.ReadUnpaired(file)).Row!));
        Assert.Equal("kto", RowFormats.Of(file));
    }

    [Theory]
    [InlineData("9, 5, 5, 1", "t0", "t2")]
    [InlineData("1, 9, 5, 9", "t1", "t0")]
    [InlineData("\"1\", \"2.5\"", "t1", "t0")]
    [InlineData("1, 1, 2", "t2", "t0")]
    public void Of_rated_completions_the_best_is_chosen_over_one_that_the_zephyr_script_draws(string scores, string chosen, string rejected)
    {
        var completions = scores.Split(", ").Select((score, index) => $$"""{"response":"t{{index}}","overall_score":{{score}},"fine-grained_score":1}""");
        var path = folder.Write("rated.jsonl", $$"""{"instruction":"q","completions":[{{string.Join(',', completions)}}]}""");
        Assert.Equal("rated_completions", RowFormats.Of(path));
        var pair = Assert.Single(RowReader.ReadPreferences(path)).Row!;
        Assert.Equal(($"user:q assistant:{chosen}", $"user:q assistant:{rejected}"), (Text(pair.Chosen), Text(pair.Rejected)));
    }

    [Theory]
    [InlineData("""{"response":"a","score":1},{"response":"b","score":1}""", "all 2 completions have the score 1")]
    [InlineData("""{"response":"a","score":1}""", "completions has 1: a pair needs two")]
    [InlineData("""{"response":"a","score":1},{"response":"b"}""", "completions[1] has no score that is a number")]
    [InlineData("""{"response":"a","score":1},{"score":2}""", "completions[1] has no text")]
    public void Completions_without_a_best_one_are_refused_by_name(string completions, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadPreferences(folder.Write("rated.jsonl", $$"""{"prompt":"q","completions":[{{completions}}]}"""))).Fault!.Reason);

    [Fact]
    public void A_row_of_another_form_than_its_files_is_refused_by_line()
    {
        var path = folder.Write("rows.jsonl", """
            {"instruction":"q","output":"a"}
            {"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}
            {"instruction":"r","output":"b"}
            """);
        var results = RowReader.ReadMessages(path).ToList();
        Assert.Equal([true, false, true], results.Select(result => result.Row is not null));
        Assert.Equal((2L, "the row is of the form messages, but the file is read as alpaca: give each form a file of its own"), (results[1].Fault!.Location.Line, results[1].Fault!.Reason));
    }

    [Fact]
    public void Columns_of_other_names_are_read_as_the_forms_keys()
    {
        var path = folder.Write("rows.jsonl", """
            {"question":"q","answer":"a","prompt":"not this"}
            {"question":"q"}
            """);
        var file = new DataFile(path) { Columns = new Dictionary<string, string> { ["prompt"] = "question", ["completion"] = "answer" } };
        var results = RowReader.ReadMessages(file).ToList();
        Assert.Equal("user:q assistant:a", Text(results[0].Row!.Messages));
        Assert.Equal("no answer, which data.columns names for completion: the row has question", results[1].Fault!.Reason);
        Assert.Equal("prompt_completion", RowFormats.Of(file));
        Assert.Equal("did you mean 'prompt'?", Assert.Throws<BadInputException>(() => RowReader.ReadMessages(file with { Columns = new Dictionary<string, string> { ["promt"] = "q" } }).Any()).Fix);
        Assert.Throws<BadInputException>(() => RowReader.ReadMessages(file with { Columns = new Dictionary<string, string> { ["prompt"] = "q", ["completion"] = "q" } }).Any());
    }

    [Fact]
    public void What_was_found_is_said_and_what_was_named_is_not()
    {
        string alpaca = folder.Write("a.jsonl", """{"instruction":"q","output":"a"}"""), released = folder.Write("b.jsonl", """{"messages":[]}"""), none = folder.Write("c.jsonl", "{}");
        Assert.Equal("rows are read as alpaca", RowFormats.Found([alpaca, none]));
        Assert.Equal("rows are read as alpaca: a.jsonl; as messages: b.jsonl", RowFormats.Found([alpaca, released]));
        Assert.Null(RowFormats.Found([none, new DataFile(alpaca) { Format = "alpaca" }]));
    }

    [Fact]
    public void Of_a_dialogue_the_last_answer_alone_can_be_learnt()
    {
        var path = folder.Write("rows.jsonl", """{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"},{"from":"human","value":"r"},{"from":"gpt","value":"b"}]}""");
        Assert.Equal("user:q -assistant:a user:r assistant:b", Text(Assert.Single(RowReader.ReadMessages(new DataFile(path) { Learn = LearntTurns.Last })).Row!.Messages));
    }

    [Fact]
    public void How_a_file_is_read_is_part_of_what_it_is()
    {
        DataFile plain = "rows.jsonl";
        DataFile[] files =
        [
            plain, plain with { Format = "alpaca" }, plain with { Learn = LearntTurns.Last }, plain with { Columns = new Dictionary<string, string> { ["prompt"] = "q" } },
            plain with { Columns = new Dictionary<string, string> { ["prompt"] = "r" } },
        ];
        Assert.Equal("", plain.ContentKey);
        Assert.Equal(files.Length, files.Select(file => file.ContentKey).Distinct().Count());
    }

    private static string Text(IReadOnlyList<Message> dialogue) => RowShapes.Text(dialogue);
}

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

    /// <summary>A record, its form and its dialogue: role and text of each turn, with a minus before the role of an assistant's turn that is context.</summary>
    public static TheoryData<string, string, string> Instructions => new()
    {
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""", "messages", "user:q assistant:a" },
        { """{"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"r"}]},{"role":"assistant","content":"a"}]}""", "messages", "user:qr assistant:a" },
        { """{"messages":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "messages", "user:q assistant:a" },
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","train":false},{"role":"user","content":"r"},{"role":"assistant","content":"b"}]}""", "messages", "user:q -assistant:a user:r assistant:b" },
        { """{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "user:q assistant:a" },
        { """{"conversations":[{"from":"user","value":"q"},{"from":"chatgpt","value":"a"},{"from":"human","value":"r"},{"from":"assistant","value":"b"}]}""", "sharegpt", "user:q assistant:a user:r assistant:b" },
        { """{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "system:s user:q assistant:a" },
        { """{"system":"s","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "system:s user:q assistant:a" },
        { """{"conversations":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""", "sharegpt", "user:q assistant:a" },
        { """{"conversation":[{"from":"human","value":"q"},{"from":"gpt","value":"a","weight":0},{"from":"human","value":"r"},{"from":"gpt","value":"b"}]}""", "sharegpt", "user:q -assistant:a user:r assistant:b" },
        { """{"instruction":"Add.","input":"2 3","output":"5"}""", "alpaca", "user:Add.\n\n2 3 assistant:5" },
        { """{"instruction":"Hello","input":"","output":"5"}""", "alpaca", "user:Hello assistant:5" },
        { """{"instruction":"Hello","output":"5"}""", "alpaca", "user:Hello assistant:5" },
        { """{"instruction":"Add.","context":"2 3","response":"5","category":"sums"}""", "alpaca", "user:Add.\n\n2 3 assistant:5" },
        { """{"instruction":"And 1?","input":"","output":"6","system":"s","history":[["2+3?","5"],["x","y"]]}""", "alpaca", "system:s user:2+3? assistant:5 user:x assistant:y user:And 1? assistant:6" },
        { """{"prompt":"q","completion":"a"}""", "prompt_completion", "user:q assistant:a" },
        { """{"system_prompt":"s","prompt":"q","completion":"a"}""", "prompt_completion", "system:s user:q assistant:a" },
        { """{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}""", "prompt_completion", "user:q assistant:a" },
        { """{"prompt":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"r"}],"completion":"b"}""", "prompt_completion", "user:q -assistant:a user:r assistant:b" },
    };

    [Theory]
    [MemberData(nameof(Instructions))]
    public void An_instruction_row_is_told_by_its_keys(string record, string form, string dialogue)
    {
        var path = folder.Write("rows.jsonl", record);
        Assert.Equal((form, RowKind.Messages), (RowFormats.Of(path), RowKinds.Find(path)));
        Assert.Equal(dialogue, Text(Assert.Single(RowReader.ReadMessages(path)).Row!.Messages));
        Assert.Equal(dialogue, Text(Assert.Single(RowReader.ReadMessages(new DataFile(path) { Format = form })).Row!.Messages));
    }

    public static TheoryData<string, string, string> Pairs => new()
    {
        { """{"prompt":"q","chosen":"a","rejected":"b"}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"prompt":"q","chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"chosen":"a","rejected":"b"}""", "system:s user:q assistant:a", "system:s user:q assistant:b" },
        { """{"instruction":"Add.","input":"2 3","chosen":"5","rejected":"6"}""", "user:Add.\n\n2 3 assistant:5", "user:Add.\n\n2 3 assistant:6" },
        { """{"conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"chosen":"\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant: b: Human: c","rejected":"\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant: d"}""", "user:q assistant:a user:r assistant:b: Human: c", "user:q assistant:a user:r assistant:d" },
        { """{"prompt":"q","chosen":"a","rejected":"b","score_chosen":8.5,"score_rejected":8.5}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"instruction":"q","chosen":"a","rejected":"b","chosen-rating":5,"rejected-rating":2}""", "user:q assistant:a", "user:q assistant:b" },
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_pair_is_told_by_its_keys(string record, string chosen, string rejected)
    {
        var path = folder.Write("pairs.jsonl", record);
        Assert.Equal(("preferences", RowKind.Preferences), (RowFormats.Of(path), RowKinds.Find(path)));
        var pair = Assert.Single(RowReader.ReadPreferences(path)).Row!;
        Assert.Equal((chosen, rejected), (Text(pair.Chosen), Text(pair.Rejected)));
    }

    [Theory]
    [InlineData("""{"conversations":[{"from":"human","value":"q"},{"from":"bing","value":"a"}]}""", "conversations[1] has the unknown role 'bing'")]
    [InlineData("""{"conversations":"q"}""", "conversations is a text, not a list")]
    [InlineData("""{"conversations":[{"from":"human","value":"q"}]}""", "no assistant turn")]
    [InlineData("""{"instruction":"Add","output":null}""", "output is null")]
    [InlineData("""{"instruction":"Add","output":3}""", "output is a number, not a text")]
    [InlineData("""{"instruction":" ","input":"","output":"5"}""", "instruction is empty")]
    [InlineData("""{"instruction":"Add","input":"2 3","context":"4","output":"5"}""", "input and context are different texts")]
    [InlineData("""{"instruction":"Add","output":"5","history":[["a"]]}""", "history[0] is not a question and an answer")]
    [InlineData("""{"instruction":"Add"}""", "no instruction with its output: the row has instruction; wanted")]
    [InlineData("""{"prompt":"q","completion":3}""", "completion is a number")]
    [InlineData("""{"prompt":"q","completion":"a","label":false}""", "unpaired preferences are not trained")]
    [InlineData("""{"completion":"a"}""", "no prompt with its completion")]
    [InlineData("""{"text":"q a"}""", "no messages: the row has text; wanted")]
    [InlineData("""{"question":"q","answer":"a"}""", "no messages: the row has question, answer; wanted")]
    public void An_instruction_row_that_cannot_be_meant_is_refused_by_name(string record, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", record))).Fault!.Reason);

    [Theory]
    [InlineData("""{"prompt":"q","chosen":"a","rejected":"b","score_chosen":3,"score_rejected":8}""", "score_chosen is 3, less than the 8 of score_rejected")]
    [InlineData("""{"chosen":"I think yes","rejected":"I think no"}""", "chosen is a text but there is no prompt")]
    [InlineData("""{"conversations":[{"from":"human","value":"q"}],"chosen":{"from":"human","value":"a"},"rejected":{"from":"gpt","value":"b"}}""", "chosen does not end with an assistant turn")]
    public void A_pair_that_cannot_be_meant_is_refused_by_name(string record, string reason) =>
        Assert.Contains(reason, Assert.Single(RowReader.ReadPreferences(folder.Write("pairs.jsonl", record))).Fault!.Reason);

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

    private static string Text(IReadOnlyList<Message> dialogue) =>
        string.Join(' ', dialogue.Select(turn => $"{(turn.Role == Message.Assistant && !turn.Learnt ? "-" : "")}{turn.Role}:{turn.Content}"));
}

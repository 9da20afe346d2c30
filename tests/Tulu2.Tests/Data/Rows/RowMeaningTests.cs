using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Keys that mean something are read, or refused by name; the user's own keys are left alone.</summary>
public sealed class RowMeaningTests : IDisposable
{
    private const string User = """{"role":"user","content":"q"}""";
    private const string Answer = """{"role":"assistant","content":"a"}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("\"system\":\"Be brief.\"", User)]
    [InlineData("\"system_prompt\":\" Be brief.\\n\"", User)]
    [InlineData("\"system\":\"Be brief.\"", """{"role":"system","content":"Be brief. "},""" + User)]
    [InlineData("\"system\":\"Be brief.\",\"system_prompt\":\"Be brief.\"", User)]
    public void A_system_text_beside_the_dialogue_is_its_first_turn(string system, string turns)
    {
        var row = One($$"""{{{system}},"messages":[{{turns}},{{Answer}}]}""").Row!;
        Assert.Equal(["system", "user", "assistant"], row.Messages.Select(message => message.Role));
        Assert.Equal("Be brief.", row.Messages[0].Content.Trim());
        var pair = OnePair($$"""{{{system}},"prompt":"q","chosen":"a","rejected":"b"}""").Row!;
        Assert.Equal(new Message("system", "Be brief."), pair.Chosen[0]);
        Assert.Equal(pair.Chosen.SkipLast(1), pair.Rejected.SkipLast(1));
    }

    [Theory]
    [InlineData("\"system\":null")]
    [InlineData("\"system\":\" \"")]
    [InlineData("\"tools\":[],\"images\":null,\"chat_template_kwargs\":{\"x\":null}")]
    [InlineData("\"score\":0.5,\"source\":\"web\",\"metadata\":{\"tools\":[1]}")]
    public void What_holds_nothing_or_is_the_users_own_changes_nothing(string more)
    {
        var row = One($$"""{{{more}},"messages":[{{User}},{"role":"assistant","content":"a","tool_calls":null,"name":"","weight":1}]}""").Row!;
        Assert.Equal([new Message("user", "q"), new Message("assistant", "a")], row.Messages);
    }

    [Theory]
    [InlineData("""{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}""", "messages[1].tool_calls: calls of tools")]
    [InlineData("""{"role":"assistant","content":"a","function_call":{"name":"f"}}""", "messages[1].function_call: calls of tools")]
    [InlineData("""{"role":"tool","content":"a","tool_call_id":"c"}""", "messages[1].tool_call_id: calls of tools")]
    [InlineData("""{"role":"tool","content":"a"}""", "unknown role 'tool'")]
    [InlineData("""{"role":"function","content":"a"}""", "unknown role 'function'")]
    [InlineData("""{"role":"assistant","content":"a","name":"Ann"}""", "messages[1].name: names of speakers")]
    [InlineData("""{"role":"assistant","content":"a","reasoning_content":"hm"}""", "messages[1].reasoning_content: reasoning")]
    [InlineData("""{"role":"assistant","content":"a","images":["x.png"]}""", "messages[1].images: only text")]
    [InlineData("""{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"x.png"}]}""", "messages[1].content[1] is of type 'image_url': only text")]
    [InlineData("""{"role":"assistant","content":[]}""", "messages[1].content is an empty list")]
    [InlineData("""{"role":"assistant","content":["a"]}""", "messages[1].content[0] is a text, not a part")]
    [InlineData("""{"from":"observation","value":"a"}""", "unknown role 'observation' (known: system, human, user, gpt, chatgpt, assistant): calls of tools")]
    [InlineData("""{"from":"gpt","value":3}""", "messages[1].value is a number")]
    [InlineData("""{"role":"assistant","content":"a","weight":0.5}""", "messages[1].weight is 0.5")]
    [InlineData("""{"role":"assistant","content":"a","train":"no"}""", "messages[1].train is a text")]
    [InlineData("""{"role":"assistant","content":"a","weight":0,"train":true}""", "contradict each other")]
    [InlineData("""{"role":"user","content":"a","train":true}""", "messages[1].train asks to learn a turn of the user")]
    [InlineData("""{"role":"assistant","content":"a","train_detail":[{"begin_offset":0}]}""", "messages[1].train_detail: only whole turns")]
    public void A_turn_that_asks_for_what_is_not_done_is_refused_by_name(string turn, string reason)
    {
        var fault = One($$"""{"messages":[{{User}},{{turn}},{{Answer}}]}""").Fault!;
        Assert.Contains(reason, fault.Reason);
        Assert.Contains(reason, OnePair($$"""{"prompt":"q","chosen":[{{User}},{{turn}},{{Answer}}],"rejected":"b"}""").Fault!.Reason.Replace("chosen[", "messages["));
    }

    [Theory]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools: calls of tools")]
    [InlineData("\"images\":[\"x.png\"]", "images: only text")]
    [InlineData("\"system\":3", "system is a number")]
    [InlineData("\"system\":\"Be brief.\",\"system_prompt\":\"Be long.\"", "system_prompt is another text")]
    public void A_row_that_asks_for_what_is_not_done_is_refused_by_name(string more, string reason)
    {
        Assert.StartsWith(reason, One($$"""{{{more}},"messages":[{{User}},{{Answer}}]}""").Fault!.Reason);
        Assert.StartsWith(reason, OnePair($$"""{{{more}},"prompt":"q","chosen":"a","rejected":"b"}""").Fault!.Reason);
    }

    [Theory]
    [InlineData("\"weight\":0")]
    [InlineData("\"weight\":0.0")]
    [InlineData("\"train\":false")]
    [InlineData("\"training\":false")]
    [InlineData("\"loss\":false,\"weight\":0")]
    public void A_turn_of_weight_zero_stays_but_is_not_learnt(string key)
    {
        var row = One($$"""{"messages":[{{User}},{"role":"assistant","content":"bad",{{key}}},{{User}},{{Answer}}]}""").Row!;
        Assert.Equal([true, false, true, true], row.Messages.Select(message => message.Learnt));
        var pair = $$"""{"prompt":"q","chosen":[{"role":"assistant","content":"a",{{key}}}],"rejected":"b"}""";
        Assert.Contains("weight 0", OnePair(pair).Fault!.Reason);
    }

    [Theory]
    [InlineData("""{"question":"q","response":"a"}""", "the row has question, response; wanted: {\"messages\"")]
    public void A_row_of_another_form_is_refused_with_its_columns_and_the_form_wanted(string row, string reason) =>
        Assert.Contains(reason, One(row).Fault!.Reason);

    [Theory]
    [InlineData("""{"question":"q","chosen":"a","rejected":"b"}""", "there is no prompt: the row has question, chosen, rejected; wanted")]
    [InlineData($$"""{"messages":[{{User}},{{Answer}}]}""", "this is an instruction row")]
    public void A_row_that_is_no_pair_says_what_it_is(string row, string reason) => Assert.Contains(reason, OnePair(row).Fault!.Reason);

    private RowResult<MessageRow> One(string row) => Assert.Single(RowReader.ReadMessages(folder.Write("rows.jsonl", row)));

    private RowResult<PreferenceRow> OnePair(string row) => Assert.Single(RowReader.ReadPreferences(folder.Write("pairs.jsonl", row)));
}

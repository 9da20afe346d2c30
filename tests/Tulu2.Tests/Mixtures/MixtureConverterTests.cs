using System.Text.Json;
using Tulu2.Data.Python;
using Tulu2.Data.Tokenizers;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Splitting;
using Tulu2.Mixtures.Templates;
using Tulu2.Mixtures.Trees;
using Xunit;

namespace Tulu2.Tests.Mixtures;

/// <summary>
/// What <c>fixed</c> does otherwise than <c>parity</c>, and records that are no rows. What <c>parity</c> does is in <see cref="OriginalOutputTests"/>.
/// </summary>
public class MixtureConverterTests
{
    [Fact]
    public void Converters_are_found_by_their_classes() => Assert.Equal(
        ["alpaca", "cot", "dolly", "flan", "hard_coded", "lima", "messages", "oasst1", "open_orca", "science", "sharegpt", "wizardlm"],
        MixtureConverters.All.Select(converter => converter.Name));

    [Theory]
    [InlineData("flan", """{"inputs": 1, "targets": "b"}""", "inputs is a number, not a text")]
    [InlineData("alpaca", """{"instruction": "a", "input": ["b"], "output": "c"}""", "input is a list, not a text")]
    [InlineData("dolly", """{"instruction": "a"}""", "no response: the record has instruction")]
    [InlineData("lima", """{"conversations": ["a"]}""", "there is no pair of turns")]
    [InlineData("lima", """{"conversations": ["a", 2]}""", "conversations[1] is a number, not a text")]
    [InlineData("wizardlm", """{"idx": 1, "conversations": [{"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}]}""", "human and gpt do not take turns in pairs")]
    [InlineData("sharegpt", """{"id": "x", "conversations": [{"from": "bing", "value": "a"}]}""", "id x: a turn from 'bing', which the original leaves out with its whole row")]
    [InlineData("sharegpt", """{"id": "x", "conversations": [{"from": "cat", "value": "a"}]}""", "id x: a turn from 'cat'")]
    [InlineData("sharegpt", """{"id": "x", "conversations": [{"from": "human", "value": null}]}""", "conversations[0] has no text in value")]
    [InlineData("open_orca", """{"id": "x", "question": "a", "response": null}""", "no response: the record has id, question, response")]
    [InlineData("science", """{"input": "a", "output": "b"}""", "no dataset: the record has input, output")]
    [InlineData("hard_coded", """{"prompt": "a", "output": "b"}""", "no Prompt: the record has prompt, output")]
    [InlineData("oasst1", """{"prompt": {"text": "a", "role": "prompter", "replies": [{"text": "b", "role": "bot"}]}}""", "prompt.replies[0].role is neither prompter nor assistant")]
    [InlineData("oasst1", """{"tree": 1}""", "no prompt: the record has tree")]
    [InlineData("messages", """{"messages": []}""", "messages is empty")]
    public void A_record_that_is_no_row_says_why(string converter, string record, string reason)
    {
        var rejected = Assert.Single(ConversionOf.Record(converter, record).Rejected);
        Assert.Equal(reason, rejected);
    }

    [Fact]
    public void Fixed_spells_the_template_right()
    {
        var draw = Enumerable.Range(0, 1000).Select(at => at / 1000.0).First(at => PythonRandom.Choose(at, PromptTemplates.Weights) == 11);
        var record = """{"instruction": "Sing", "input": " ", "output": "La"}""";
        var (parity, right) = (ConversionOf.Record("alpaca", record, MixtureMode.Parity, draw: draw), ConversionOf.Record("alpaca", record, MixtureMode.Fixed, draw: draw));
        Assert.Equal("Plase answer the following request: Sing\nAnswer:", parity.Rows[0].Messages[0].Content);
        Assert.Equal("Please answer the following request: Sing\nAnswer:", right.Rows[0].Messages[0].Content);
        Assert.Equal((1, 1), (parity.Slips[PromptTemplates.Misspelt], right.Slips[PromptTemplates.Misspelt]));
    }

    [Fact]
    public void Fixed_keeps_answers_whose_replies_lead_nowhere()
    {
        const string tree = """
            {"prompt": {"text": "q", "role": "prompter", "replies": [
                {"text": "a", "role": "assistant", "replies": [{"text": "q2", "role": "prompter", "replies": []}]},
                {"text": "b", "role": "assistant", "replies": [{"text": "x", "role": "prompter", "deleted": true, "replies": []}]},
                {"text": "c", "role": "assistant", "replies": []}]}}
            """;
        Assert.Equal(["c"], ConversionOf.Record("oasst1", tree).Rows.Select(row => row.Messages[^1].Content));
        var right = ConversionOf.Record("oasst1", tree, MixtureMode.Fixed);
        Assert.Equal(["a", "b", "c"], right.Rows.Select(row => row.Messages[^1].Content));
        Assert.Equal(2, right.Slips[ReplyWalk.LostAnswer]);
    }

    [Fact]
    public void Fixed_leaves_out_system_turns_without_content()
    {
        const string record = """{"id": "t0.1", "system_prompt": "", "question": "q", "response": "r"}""";
        Assert.Equal(["system", "user", "assistant"], ConversionOf.Record("open_orca", record).Rows[0].Messages.Select(turn => turn.Role));
        Assert.Equal(["user", "assistant"], ConversionOf.Record("open_orca", record, MixtureMode.Fixed).Rows[0].Messages.Select(turn => turn.Role));
    }

    [Fact]
    public void Fixed_splits_without_losing_pairs_and_knows_other_names()
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(Checkout.Path("tests", "Tulu2.Tests", "Golden", "tokenizer.model"));
        var costs = new TurnCosts(tokenizer);
        Assert.Equal(tokenizer.EncodeText("Sum 12 and 30.", boundary: true).Length + 7, costs.Of("Sum 12 and 30."));
        Assert.Equal(7, costs.Of(""));
        string Turn(string from, int words) => JsonSerializer.Serialize(new { from, value = string.Join(' ', Enumerable.Repeat("Sum", words)) });
        var record = $$"""{"id": "x", "conversations": [{{Turn("user", 20)}}, {{Turn("chatgpt", 20)}}, {{Turn("user", 20)}}, {{Turn("chatgpt", 20)}}, {{Turn("user", 1)}}]}""";
        var most = 2 * costs.Of(string.Join(' ', Enumerable.Repeat("Sum", 20))) + 5;
        var options = $"{{ max_tokens: {most}, tokenizer: {Checkout.Path("tests", "Tulu2.Tests", "Golden", "tokenizer.model")} }}";
        var parity = ConversionOf.Record("sharegpt", record, options: options);
        Assert.Empty(parity.Rows);
        Assert.Equal(["turns 0 to 1: human and gpt do not take turns, beginning with human"], parity.Rejected);
        var right = ConversionOf.Record("sharegpt", record, MixtureMode.Fixed, options);
        Assert.Equal(["mine_x_0", "mine_x_2"], right.Rows.Select(row => row.Id));
        Assert.Equal((1, 1), (right.Slips[SpokenSplit.OtherNames], right.Slips[SpokenSplit.LostLastPair]));
    }

    [Fact]
    public void The_bound_of_a_cost_is_never_below_it()
    {
        var costs = new TurnCosts(SentencePieceBpeTokenizer.Load(Checkout.Path("tests", "Tulu2.Tests", "Golden", "tokenizer.model")));
        foreach (var text in new[] { "", " ", "   ", "naïve Größe 🦙👩‍👩‍👧", "a</s>b <s> c", "1234567890", "日本語", "\u0001\u0002" }) Assert.True(costs.Of(text) <= TurnCosts.Bound(text), text);
    }

    [Fact]
    public void A_released_row_keeps_its_labels_and_marks_and_may_be_chosen_by_dataset()
    {
        const string row = """{"dataset": "science.scifact", "id": "science_7", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}, {"role": "user", "content": "q2"}, {"role": "assistant", "content": "b"}]}""";
        Assert.Equal(row, ConversionOf.Line(ConversionOf.Record("messages", row).Rows.Single()));
        Assert.Equal("mine_5", ConversionOf.Record("messages", """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""", index: 5).Rows[0].Id);
        using var record = JsonDocument.Parse(row);
        bool Wants(string options) => ConversionOf.Begin("messages", MixtureMode.Parity, options).Wants(record.RootElement);
        Assert.Equal([true, true, true, false], new[] { "{}", "{ only: [cot, science.] }", "{ only: science.scifact }", "{ only: science }" }.Select(Wants));
    }

    [Fact]
    public void A_form_that_training_reads_is_a_source_too() => Assert.Equal(
        """{"dataset": "mine", "id": "mine_0", "messages": [{"role": "user", "content": "Add\n\n1 and 2"}, {"role": "assistant", "content": "3"}]}""",
        ConversionOf.Line(ConversionOf.Record("messages", """{"instruction": "Add", "input": "1 and 2", "output": "3"}""", options: "{ form: alpaca }").Rows.Single()));
}

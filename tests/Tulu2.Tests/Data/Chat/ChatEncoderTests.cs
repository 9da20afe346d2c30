using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Xunit;

namespace Tulu2.Tests.Data.Chat;

/// <summary>The chat template (docs/reference/tulu2.md), with the pieces of its example as a table in place of a tokenizer.</summary>
public sealed class ChatEncoderTests
{
    private static readonly Message[] Golden =
    [
        new("user", "Hi there"), new("assistant", "Hello!"), new("user", "Bye"), new("assistant", "Ciao"),
    ];

    private static readonly Dictionary<(string, bool), int[]> Llama2 = new()
    {
        [("<|user|>\n", true)] = [529, 29989, 1792, 29989, 29958, 13],
        [("<|user|>\n", false)] = [29966, 29989, 1792, 29989, 29958, 13],
        [("<|assistant|>\n", true)] = [529, 29989, 465, 22137, 29989, 29958, 13],
        [("<|assistant|>\n", false)] = [29966, 29989, 465, 22137, 29989, 29958, 13],
        [("<|system|>\n", true)] = [529, 29989, 5205, 29989, 29958, 13],
        [("Hi there\n", false)] = [18567, 727, 13],
        [("Bye\n", false)] = [2059, 29872, 13],
        [("Bye", false)] = [2059, 29872],
        [("Hello!", false)] = [10994, 29991],
        [("Ciao", false)] = [29907, 29653],
        [("\n", false)] = [13],
        [("\n", true)] = [29871, 13],
    };

    [Fact]
    public void The_golden_dialogue_has_the_ids_and_labels_of_the_spec()
    {
        var encoded = Encoder().EncodeDialogue(Golden);
        Assert.Equal(
            [
                1, 529, 29989, 1792, 29989, 29958, 13, 18567, 727, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 10994, 29991, 2,
                13, 29966, 29989, 1792, 29989, 29958, 13, 2059, 29872, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 29907, 29653, 2,
            ],
            encoded.Ids);
        Assert.Equal([10994, 29991, 2, 13, 29907, 29653, 2], Scored(encoded));
        Assert.Equal([new LossSpan(17, 21), new LossSpan(37, 40)], encoded.Spans);
        Assert.Equal(7, encoded.LossTokens);
    }

    [Fact]
    public void The_legacy_form_puts_a_lone_boundary_after_an_end_token_and_scores_it()
    {
        var encoded = Encoder(ChatForm.Legacy).EncodeDialogue(Golden);
        Assert.Equal(
            [
                1, 529, 29989, 1792, 29989, 29958, 13, 18567, 727, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 10994, 29991, 2,
                29871, 13, 29966, 29989, 1792, 29989, 29958, 13, 2059, 29872, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 29907, 29653, 2,
            ],
            encoded.Ids);
        Assert.Equal([10994, 29991, 2, 29871, 13, 29907, 29653, 2], Scored(encoded));
    }

    [Fact]
    public void Preferences_score_the_last_assistant_turn_only() =>
        Assert.Equal([29907, 29653, 2], Scored(Encoder().EncodeDialogue(Golden, LossRule.LastAssistantTurn)));

    [Fact]
    public void A_prompt_ends_in_the_assistants_tag_line_and_begins_once()
    {
        var ids = Encoder().EncodePrompt(Golden[..1]);
        Assert.Equal([1, 529, 29989, 1792, 29989, 29958, 13, 18567, 727, 13, 29966, 29989, 465, 22137, 29989, 29958, 13], ids);
        Assert.Equal(Encoder().EncodeDialogue(Golden).Ids[..37], Encoder().EncodePrompt(Golden[..3]));
    }

    [Fact]
    public void Truncation_cuts_ids_and_spans_on_the_right()
    {
        var encoded = Encoder(maxLength: 19).EncodeDialogue(Golden);
        Assert.Equal(19, encoded.Ids.Length);
        Assert.True(encoded.Truncated);
        Assert.Equal(40, encoded.UntruncatedLength);
        Assert.Equal([new LossSpan(17, 19)], encoded.Spans);
        Assert.Empty(Encoder(maxLength: 17).EncodeDialogue(Golden).Spans);
        Assert.False(Encoder(maxLength: 40).EncodeDialogue(Golden).Truncated);
    }

    [Fact]
    public void An_assistant_turn_with_no_other_turn_before_it_has_its_tag_scored_but_never_position_zero()
    {
        var encoded = Encoder().EncodeDialogue([new("assistant", "Hello!"), new("user", "Bye"), new("assistant", "Ciao")]);
        Assert.Equal(new LossSpan(1, 12), encoded.Spans[0]);
        Assert.Equal([29907, 29653, 2], Scored(encoded)[^3..]);
    }

    [Fact]
    public void A_dialogue_that_ends_with_a_user_turn_is_stripped_as_a_whole()
    {
        var encoded = Encoder().EncodeDialogue([new("user", "Hi there"), new("assistant", "Hello!"), new("user", " Bye \n")]);
        Assert.Equal([29958, 13, 2059, 29872], encoded.Ids[^4..]);
    }

    [Fact]
    public void An_empty_system_turn_is_a_tag_line_and_an_empty_line()
    {
        var encoded = Encoder().EncodeDialogue([new("system", " "), new("assistant", "Ciao")]);
        Assert.Equal([1, 529, 29989, 5205, 29989, 29958, 13, 13, 29966], encoded.Ids[..9]);
        Assert.Equal([29907, 29653, 2], Scored(encoded));
    }

    [Fact]
    public void A_turn_that_is_not_to_be_learnt_is_read_as_context()
    {
        var encoded = Encoder().EncodeDialogue([Golden[0], Golden[1] with { Learnt = false }, Golden[2], Golden[3]]);
        Assert.Equal(Encoder().EncodeDialogue(Golden).Ids, encoded.Ids);
        Assert.Equal([29907, 29653, 2], Scored(encoded));
    }

    [Fact]
    public void An_empty_answer_is_not_learnt_and_masks_the_tag_after_it()
    {
        var alone = Encoder().EncodeDialogue([Golden[0], new("assistant", " \n")]);
        Assert.Equal((0, false), (alone.LossTokens, alone.HasAnswer));
        var middle = Encoder().EncodeDialogue([Golden[0], new("assistant", ""), new("assistant", "Ciao")]);
        Assert.Equal([29907, 29653, 2], Scored(middle));
        Assert.Empty(Encoder().EncodeDialogue([Golden[0], new("assistant", "")], LossRule.LastAssistantTurn).Spans);
    }

    [Fact]
    public void A_tag_that_is_scored_is_no_answer()
    {
        Assert.False(Encoder(maxLength: 8).EncodeDialogue([new("assistant", "Hello!")]).HasAnswer);
        Assert.NotEmpty(Encoder(maxLength: 8).EncodeDialogue([new("assistant", "Hello!")]).Spans);
        Assert.True(Encoder(maxLength: 9).EncodeDialogue([new("assistant", "Hello!")]).HasAnswer);
    }

    [Theory]
    [InlineData("\u001c a b \u001f\u00a0\n", "a b")]
    [InlineData("\u3000x\u200b", "x\u200b")]
    [InlineData(" \t\r\n", "")]
    public void Text_is_stripped_as_python_strips_it(string text, string stripped) => Assert.Equal(stripped, TurnText.Strip(text));

    private static ChatEncoder Encoder(ChatForm form = ChatForm.Default, int maxLength = 8192) =>
        new(new ChatTokenizer((text, boundary) => Llama2[(text, boundary)], 1, 2, "table"), form, maxLength);

    private static int[] Scored(EncodedSequence encoded) =>
        [.. encoded.Spans.SelectMany(span => encoded.Ids[span.Begin..span.End])];
}

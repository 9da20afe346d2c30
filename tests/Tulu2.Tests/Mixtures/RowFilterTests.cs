using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Filters;
using Tulu2.Mixtures.Settings;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Tests.Mixtures;

public class RowFilterTests
{
    [Theory]
    [InlineData("The town was bombarded", true, false)]
    [InlineData("a palm tree", true, true)]
    [InlineData("palmistry", true, false)]
    [InlineData("Claude Monet", true, true)]
    [InlineData("I am chatgpt.", true, true)]
    [InlineData("GPT-3.5-turbo", true, true)]
    [InlineData("gpt4all", true, false)]
    [InlineData("bombardment, says Bard", true, true)]
    [InlineData("an open air concert", true, false)]
    [InlineData("an open book", false, false)]
    [InlineData("openaİ", true, false)]
    [InlineData("nothing of the kind", false, false)]
    public void Names_are_found_anywhere_or_as_words(string text, bool anywhere, bool word)
    {
        Assert.Equal(anywhere, Test(MixtureMode.Parity, text).Reason is not null);
        Assert.Equal(word, Test(MixtureMode.Fixed, text).Reason is not null);
        foreach (var mode in new[] { MixtureMode.Parity, MixtureMode.Fixed }) Assert.Equal(anywhere && !word, Test(mode, text).OnlyParity is not null);
    }

    [Fact]
    public void Every_turn_counts_whoever_speaks()
    {
        var test = new OtherModelsFilter().Begin(Keys(), MixtureMode.Parity);
        foreach (var role in new[] { Message.System, Message.User, Message.Assistant })
            Assert.Equal("messages[1] has 'Anthropic'", test([new Message(Message.User, "Hi"), new Message(role, "by ANTHROPIC")]).Reason);
    }

    [Fact]
    public void Terms_and_the_match_can_be_given()
    {
        var test = new OtherModelsFilter().Begin(Keys(("terms", "Mistral"), ("match", "word")), MixtureMode.Parity);
        Assert.Null(test([new Message(Message.User, "ChatGPT and mistrals")]).Reason);
        Assert.Equal("messages[0] has 'Mistral'", test([new Message(Message.User, "mistral-7b")]).Reason);
    }

    [Fact]
    public void An_answer_of_spaces_is_empty()
    {
        var test = new EmptyAnswersFilter().Begin(Keys(), MixtureMode.Fixed);
        Assert.NotNull(test([new Message(Message.User, "Hi"), new Message(Message.Assistant, " \n")]).Reason);
        Assert.Null(test([new Message(Message.User, "Hi"), new Message(Message.Assistant, ""), new Message(Message.Assistant, "x")]).Reason);
    }

    private static FilterVerdict Test(MixtureMode mode, string text) => new OtherModelsFilter().Begin(Keys(), mode)([new Message(Message.User, text)]);

    private static Section Keys(params (string Key, string Value)[] keys) =>
        new(new YamlMappingNode(keys.SelectMany(key => new YamlNode[] { key.Key, key.Value })), "", new Places("test"));
}

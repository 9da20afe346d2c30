using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Tests.Evaluation.Benchmarks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

public class ChatSessionTests
{
    private static readonly FakeChat Chat = new()
    {
        ["hi"] = "hello",
        ["user: hi\nassistant: hello\nuser: who?"] = "me",
    };

    [Fact]
    public void Each_reply_sees_all_turns_before_it_and_is_streamed()
    {
        var session = new ChatSession(Chat, GenerationOptions.Greedy);
        var streamed = "";
        Assert.Equal("hello", session.Reply("hi", text => streamed += text).Text);
        Assert.Equal("me", session.Reply("who?", text => streamed += text).Text);
        Assert.Equal("hellome", streamed);
        Assert.Equal([new("user", "hi"), new("assistant", "hello"), new("user", "who?"), new("assistant", "me")], session.Messages);
    }

    [Fact]
    public void A_turn_that_fails_leaves_the_dialogue_as_it_was()
    {
        var session = new ChatSession(Chat, GenerationOptions.Greedy);
        session.Reply("hi");
        Assert.Throws<KeyNotFoundException>(() => session.Reply("unknown"));
        Assert.Throws<OperationCanceledException>(() => session.Reply("who?", null, new CancellationToken(canceled: true)));
        Assert.Equal(2, session.Messages.Count);
        Assert.Equal("me", session.Reply("who?").Text);
    }

    [Fact]
    public void Clearing_keeps_the_system_turn()
    {
        var session = new ChatSession(new FakeChat { ["system: be brief\nuser: hi"] = "yo" }, GenerationOptions.Greedy, "be brief");
        session.Reply("hi");
        session.Clear();
        Assert.Equal([new Message("system", "be brief")], session.Messages);
    }
}

using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Serving.Settings;
using Xunit;

namespace Tulu2.Tests.Serving;

/// <summary>The official client of the OpenAI API, against this server. It has no legacy completions.</summary>
public sealed class OpenAIClientTests : IAsyncLifetime
{
    private const string Key = "sk-test-0123456789";

    private static readonly ChatMessage[] Dialogue =
        [new SystemChatMessage("Be brief."), new UserChatMessage("Name a colour."), new AssistantChatMessage("Red."), new UserChatMessage("Another.")];

    private ServedFake _served = null!;

    public async Task InitializeAsync() => _served = await ServedFake.StartAsync(settings: new ServerSettings { Keys = ["another", Key] });

    public async Task DisposeAsync() => await _served.DisposeAsync();

    [Fact]
    public async Task A_dialogue_is_answered_in_the_chat_template()
    {
        var answer = (await Chat().CompleteChatAsync(Dialogue, Options())).Value;
        int[] prompt = ChatPrompt([new("system", "Be brief."), new("user", "Name a colour."), new("assistant", "Red."), new("user", "Another.")]);
        Assert.Equal((ChatMessageRole.Assistant, ChatFinishReason.Length, ServedFake.Model), (answer.Role, answer.FinishReason, answer.Model));
        Assert.Equal((prompt.Length, 12, prompt.Length + 12), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        var raw = await Completion(prompt);
        Assert.Equal(raw, Assert.Single(answer.Content).Text);
        // The same prompt from parts of text.
        var last = new UserChatMessage(ChatMessageContentPart.CreateTextPart("Ano"), ChatMessageContentPart.CreateTextPart("ther."));
        ChatMessage[] parts = [.. Dialogue.SkipLast(1), last];
        Assert.Equal(raw, (await Chat().CompleteChatAsync(parts, Options())).Value.Content[0].Text);
    }

    [Fact]
    public async Task A_stream_begins_with_the_role_and_ends_with_the_usage()
    {
        var whole = (await Chat().CompleteChatAsync(Dialogue, Options())).Value;
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in Chat().CompleteChatStreamingAsync(Dialogue, Options())) updates.Add(update);
        Assert.Equal(ChatMessageRole.Assistant, updates[0].Role);
        Assert.Equal(whole.Content[0].Text, string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.Equal(ChatFinishReason.Length, Assert.Single(updates.Select(update => update.FinishReason).OfType<ChatFinishReason>()));
        Assert.Equal(whole.Usage.TotalTokenCount, updates[^1].Usage.TotalTokenCount);
        Assert.True(updates.Count > 5);
        Assert.Single(updates.Select(update => update.CompletionId).Distinct());
    }

    [Fact]
    public async Task Log_probabilities_come_with_their_alternatives()
    {
        var options = Options();
        (options.IncludeLogProbabilities, options.TopLogProbabilityCount) = (true, 3);
        var answer = (await Chat().CompleteChatAsync(Dialogue, options)).Value;
        Assert.Equal(12, answer.ContentTokenLogProbabilities.Count);
        Assert.Equal(answer.Content[0].Text, string.Concat(answer.ContentTokenLogProbabilities.Select(token => token.Token)));
        Assert.All(answer.ContentTokenLogProbabilities, token =>
        {
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal(token.LogProbability, token.TopLogProbabilities[0].LogProbability);
            Assert.Equal(token.Token, System.Text.Encoding.UTF8.GetString(token.Utf8Bytes!.Value.Span));
        });
        var streamed = new List<ChatTokenLogProbabilityDetails>();
        await foreach (var update in Chat().CompleteChatStreamingAsync(Dialogue, options)) streamed.AddRange(update.ContentTokenLogProbabilities);
        Assert.Equal(answer.ContentTokenLogProbabilities.Select(Place), streamed.Select(Place));
        static (string Token, float LogProbability) Place(ChatTokenLogProbabilityDetails token) => (token.Token, token.LogProbability);
    }

    [Fact]
    public async Task Stop_strings_and_seeds_work()
    {
        var text = (await Chat().CompleteChatAsync(Dialogue, Options())).Value.Content[0].Text;
        var options = Options();
        options.StopSequences.Add(text[6..9]);
        var stopped = (await Chat().CompleteChatAsync(Dialogue, options)).Value;
        Assert.Equal((ChatFinishReason.Stop, text[..text.IndexOf(text[6..9], StringComparison.Ordinal)]), (stopped.FinishReason, stopped.Content[0].Text));
        var texts = new List<string>();
#pragma warning disable OPENAI001 // The client marks seeds as experimental.
        foreach (var seed in (long[])[7, 7, 8])
            texts.Add((await Chat().CompleteChatAsync(Dialogue, new ChatCompletionOptions { Seed = seed, MaxOutputTokenCount = 12 })).Value.Content[0].Text);
#pragma warning restore OPENAI001
        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
    }

    [Fact]
    public async Task Models_are_listed_and_found()
    {
        var models = new OpenAIModelClient(new ApiKeyCredential(Key), ClientOptions());
        Assert.Equal(ServedFake.Model, Assert.Single((await models.GetModelsAsync()).Value).Id);
        Assert.Equal(ServedFake.Model, (await models.GetModelAsync(ServedFake.Model)).Value.Id);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => models.GetModelAsync("gpt-4"))).Status);
    }

    [Fact]
    public async Task Errors_are_read_with_their_message()
    {
        var wrongKey = await Assert.ThrowsAsync<ClientResultException>(() => Chat(key: "sk-wrong").CompleteChatAsync(Dialogue));
        Assert.Equal((401, true), (wrongKey.Status, wrongKey.Message.Contains("invalid_api_key")));
        var wrongModel = await Assert.ThrowsAsync<ClientResultException>(() => Chat("gpt-4").CompleteChatAsync(Dialogue));
        Assert.Equal((404, true), (wrongModel.Status, wrongModel.Message.Contains("model_not_found")));
        var tools = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("look_up") } };
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Chat().CompleteChatAsync(Dialogue, tools));
        Assert.Equal((400, true), (refused.Status, refused.Message.Contains("'tools' is not supported")));
        var image = new UserChatMessage(ChatMessageContentPart.CreateImagePart(new Uri("https://example.com/a.png")));
        Assert.Equal(400, (await Assert.ThrowsAsync<ClientResultException>(() => Chat().CompleteChatAsync(image))).Status);
        Assert.Empty(_served.Faults);
    }

    private static ChatCompletionOptions Options() => new() { Temperature = 0, MaxOutputTokenCount = 12 };

    private static int[] ChatPrompt(Message[] messages) =>
        new ChatEncoder(ChatTokenizer.Of(ServedFake.Tokenizer), ChatForm.Default, 256).EncodePrompt(messages);

    private ChatClient Chat(string model = ServedFake.Model, string key = Key) => new(model, new ApiKeyCredential(key), ClientOptions());

    private OpenAIClientOptions ClientOptions() => new() { Endpoint = new Uri(_served.Server.Url, "v1"), RetryPolicy = new ClientRetryPolicy(0) };

    private async Task<string?> Completion(int[] prompt)
    {
        _served.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        var answer = await _served.AskAsync("/v1/completions", new { prompt, temperature = 0, max_tokens = 12 });
        return answer.GetProperty("choices")[0].GetProperty("text").GetString();
    }
}

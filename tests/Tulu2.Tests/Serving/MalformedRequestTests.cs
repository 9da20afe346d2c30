using System.Net;
using System.Text;
using Xunit;

namespace Tulu2.Tests.Serving;

/// <summary>Requests that cannot be answered: each error names the field at fault.</summary>
public sealed class MalformedRequestTests : IClassFixture<MalformedRequestTests.Shared>
{
    private const string Text = "/v1/completions", Chat = "/v1/chat/completions";

    private readonly ServedFake _served;

    public MalformedRequestTests(Shared shared) => _served = shared.Served;

    public sealed class Shared : IAsyncLifetime
    {
        internal ServedFake Served { get; private set; } = null!;

        public async Task InitializeAsync() => Served = await ServedFake.StartAsync();

        public async Task DisposeAsync() => await Served.DisposeAsync();
    }

    [Theory]
    // Not JSON, or not an object.
    [InlineData(Text, "", null, "invalid_json")]
    [InlineData(Text, "{", null, "invalid_json")]
    [InlineData(Text, """{"prompt": "a"} trailing""", null, "invalid_json")]
    [InlineData(Text, """{"prompt": "a", "temperature": NaN}""", null, "invalid_json")]
    [InlineData(Text, """{'prompt': 'a'}""", null, "invalid_json")]
    [InlineData(Text, """{"prompt": "a", "prompt": "b"}""", null, "invalid_json")]
    [InlineData(Text, """{"prompt": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}""", null, "invalid_json")]
    [InlineData(Text, """["prompt"]""", null, "invalid_type")]
    [InlineData(Chat, "null", null, "invalid_type")]
    [InlineData(Text, """{"prompt": "\ud800"}""", "prompt", "invalid_unicode")]
    [InlineData(Text, """{"\ud800": 1}""", null, "invalid_unicode")]
    // Prompts.
    [InlineData(Text, "{}", "prompt", "missing_required_parameter")]
    [InlineData(Text, """{"prompt": null}""", "prompt", "missing_required_parameter")]
    [InlineData(Text, """{"prompt": 5}""", "prompt", "invalid_type")]
    [InlineData(Text, """{"prompt": {}}""", "prompt", "invalid_type")]
    [InlineData(Text, """{"prompt": []}""", "prompt", "invalid_value")]
    [InlineData(Text, """{"prompt": [[]]}""", "prompt[0]", "invalid_value")]
    [InlineData(Text, """{"prompt": [true]}""", "prompt[0]", "invalid_type")]
    [InlineData(Text, """{"prompt": ["a", 1]}""", "prompt[1]", "invalid_type")]
    [InlineData(Text, """{"prompt": [1, "a"]}""", "prompt[1]", "invalid_type")]
    [InlineData(Text, """{"prompt": [[1, 2], [3, 1.5]]}""", "prompt[1][1]", "invalid_value")]
    [InlineData(Text, """{"prompt": [1, -1]}""", "prompt[1]", "invalid_value")]
    [InlineData(Text, """{"prompt": [99999999]}""", "prompt[0]", "invalid_value")]
    [InlineData(Text, """{"prompt": [99999999999999999999]}""", "prompt[0]", "invalid_value")]
    // Options.
    [InlineData(Text, """{"prompt": "a", "max_tokens": -1}""", "max_tokens", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "max_tokens": 0}""", "max_tokens", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "max_tokens": "5"}""", "max_tokens", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "max_tokens": 1.5}""", "max_tokens", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "max_tokens": 3000000000}""", "max_tokens", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "temperature": 2.1}""", "temperature", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "temperature": -0.1}""", "temperature", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "temperature": 1e999}""", "temperature", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "temperature": "hot"}""", "temperature", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "top_p": 0}""", "top_p", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "top_p": 1.01}""", "top_p", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "top_k": -2}""", "top_k", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "repetition_penalty": 0}""", "repetition_penalty", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "n": 0}""", "n", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "n": 1000}""", "n", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "n": 3, "best_of": 2}""", "best_of", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "best_of": 2, "stream": true}""", "best_of", "unsupported_value")]
    [InlineData(Text, """{"prompt": "a", "logprobs": 6}""", "logprobs", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "logprobs": true}""", "logprobs", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "echo": 1}""", "echo", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "stream": "yes"}""", "stream", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "stream_options": {"include_usage": true}}""", "stream_options", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "stream": true, "stream_options": {"usage": true}}""", "stream_options.usage", "unknown_parameter")]
    [InlineData(Text, """{"prompt": "a", "stop": 7}""", "stop", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "stop": ["a", null]}""", "stop[1]", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "stop": [""]}""", "stop[0]", "invalid_value")]
    [InlineData(Text, """{"prompt": "a", "seed": 1.5}""", "seed", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "seed": 99999999999999999999}""", "seed", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "model": 5}""", "model", "invalid_type")]
    [InlineData(Text, """{"prompt": "a", "temprature": 1}""", "temprature", "unknown_parameter")]
    [InlineData(Text, """{"prompt": "a", "suffix": "b"}""", "suffix", "unsupported_parameter")]
    [InlineData(Text, """{"prompt": "a", "logit_bias": {"5": 1}}""", "logit_bias", "unsupported_parameter")]
    [InlineData(Text, """{"prompt": "a", "presence_penalty": 0.5}""", "presence_penalty", "unsupported_parameter")]
    [InlineData(Text, """{"prompt": "a", "frequency_penalty": -1}""", "frequency_penalty", "unsupported_parameter")]
    [InlineData(Text, """{"prompt": "a", "min_p": 0.1}""", "min_p", "unsupported_parameter")]
    // Dialogues.
    [InlineData(Chat, "{}", "messages", "missing_required_parameter")]
    [InlineData(Chat, """{"messages": "hi"}""", "messages", "invalid_type")]
    [InlineData(Chat, """{"messages": []}""", "messages", "invalid_value")]
    [InlineData(Chat, """{"messages": ["hi"]}""", "messages[0]", "invalid_type")]
    [InlineData(Chat, """{"messages": [{"content": "hi"}]}""", "messages[0].role", "missing_required_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "user"}]}""", "messages[0].content", "missing_required_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "robot", "content": "hi"}]}""", "messages[0].role", "invalid_value")]
    [InlineData(Chat, """{"messages": [{"role": "tool", "content": "hi"}]}""", "messages[0].role", "unsupported_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": 5}]}""", "messages[0].content", "invalid_type")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}""", "messages[0].content[0].type", "unsupported_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": [{"type": "text"}]}]}""", "messages[0].content[0].text", "missing_required_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]}""", "messages[0].tool_calls", "unsupported_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi", "colour": 1}]}""", "messages[0].colour", "unknown_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 0}""", "max_tokens", "invalid_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "logprobs": 5}""", "logprobs", "invalid_type")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "top_logprobs": 5}""", "top_logprobs", "invalid_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "logprobs": true, "top_logprobs": 21}""", "top_logprobs", "invalid_value")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "function"}]}""", "tools", "unsupported_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "response_format": {"type": "json_object"}}""", "response_format",
        "unsupported_parameter")]
    [InlineData(Chat, """{"messages": [{"role": "user", "content": "hi"}], "echo": true}""", "echo", "unknown_parameter")]
    public async Task A_bad_request_is_told_what_is_wrong(string path, string body, string? parameter, string code)
    {
        using var response = await _served.Client.SendAsync(ServedFake.Post(path, body));
        var error = await ServedFake.ErrorOf(response);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request_error", parameter, code),
            (response.StatusCode, error.GetProperty("type").GetString(), error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Empty(_served.Faults);
    }

    [Theory]
    [InlineData("""{"prompt": "a", "presence_penalty": 0.0, "frequency_penalty": 0, "logit_bias": {}, "suffix": "", "user": "u", "top_k": -1, "stop": null}""")]
    [InlineData("""{"prompt": "a", "model": "tulu-2-fake", "stop": [], "best_of": 1, "seed": null, "stream": false, "stream_options": null, "min_p": 0}""")]
    [InlineData("""{"prompt": "a", "model": "/models/fake", "repetition_penalty": 1.2, "top_p": 0.9, "top_k": 50, "logprobs": null, "max_tokens": 1000000}""")]
    public async Task Values_that_mean_nothing_are_let_through(string body)
    {
        using var response = await _served.Client.SendAsync(ServedFake.Post(Text, body));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Bytes_that_are_not_text_are_refused()
    {
        foreach (var bytes in (byte[][])[[0xFF, 0xFE, 0x00], [.. """{"prompt": "a"""u8, 0xC3, 0x28, .. "\"}"u8], new byte[1000]])
        {
            var content = new ByteArrayContent(bytes) { Headers = { ContentType = new("application/json") } };
            using var response = await _served.Client.PostAsync(Text, content);
            Assert.Equal((HttpStatusCode.BadRequest, true), (response.StatusCode, (await ServedFake.ErrorOf(response)).TryGetProperty("message", out _)));
        }
        Assert.Empty(_served.Faults);
    }

    [Fact]
    public async Task More_samples_than_memory_is_meant_for_are_refused()
    {
        using var prompts = await _served.SendAsync(Text, new { prompt = Enumerable.Repeat("a", 1025) });
        Assert.Equal("prompt", (await ServedFake.ErrorOf(prompts)).GetProperty("param").GetString());
        using var samples = await _served.SendAsync(Text, new { prompt = Enumerable.Repeat("a", 33), n = 128 });
        Assert.Equal("n", (await ServedFake.ErrorOf(samples)).GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_prompt_that_fills_the_context_is_refused_unless_only_it_is_scored()
    {
        var ids = Enumerable.Repeat(300, 256).ToArray();
        using var full = await _served.SendAsync(Text, new { prompt = ids });
        Assert.Equal("context_length_exceeded", (await ServedFake.ErrorOf(full)).GetProperty("code").GetString());
        using var longer = await _served.SendAsync(Text, new { prompt = (int[])[.. ids, 300], max_tokens = 0, echo = true, logprobs = 1 });
        Assert.Equal("context_length_exceeded", (await ServedFake.ErrorOf(longer)).GetProperty("code").GetString());
        using var scored = await _served.SendAsync(Text, new { prompt = ids, max_tokens = 0, echo = true, logprobs = 1 });
        Assert.Equal(HttpStatusCode.OK, scored.StatusCode);
        var words = new { messages = new[] { new { role = "user", content = new StringBuilder().Insert(0, "word ", 400).ToString() } } };
        using var chat = await _served.SendAsync(Chat, words);
        var error = await ServedFake.ErrorOf(chat);
        Assert.Equal(("messages", "context_length_exceeded"), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
    }
}

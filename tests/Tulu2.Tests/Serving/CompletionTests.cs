using System.Text.Json;
using Xunit;

namespace Tulu2.Tests.Serving;

public sealed class CompletionTests : IAsyncLifetime
{
    private const string Path = "/v1/completions", Text = "Once upon a time";

    private static readonly int[] Ids = [.. ServedFake.Tokenizer.EncodeText(Text, boundary: true)];

    private ServedFake _served = null!;

    public async Task InitializeAsync() => _served = await ServedFake.StartAsync();

    public async Task DisposeAsync() => await _served.DisposeAsync();

    [Fact]
    public async Task Each_form_of_prompt_is_answered_in_the_order_of_prompts_and_samples()
    {
        int[] whole = [ServedFake.Tokenizer.BeginningId, .. Ids];
        var one = await AskAsync(new { prompt = Text, temperature = 0 });
        Assert.Equal("text_completion", one.GetProperty("object").GetString());
        Assert.Equal(ServedFake.Model, one.GetProperty("model").GetString());
        Assert.StartsWith("cmpl-", one.GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.Null, one.GetProperty("choices")[0].GetProperty("logprobs").ValueKind);
        var text = TextOf(one);
        Assert.NotEmpty(text);
        // The beginning token is put before texts, and not before ids.
        Assert.Equal(text, TextOf(await AskAsync(new { prompt = whole, temperature = 0 })));
        var two = await AskAsync(new { prompt = new[] { Text, "The sun" }, temperature = 0, n = 2 });
        Assert.Equal([0, 1, 2, 3], two.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal([text, text], two.GetProperty("choices").EnumerateArray().Take(2).Select(choice => choice.GetProperty("text").GetString()));
        Assert.Equal((await AskAsync(new { prompt = new[] { whole, Ids }, temperature = 0 })).GetProperty("choices")[0].GetProperty("text").GetString(), text);
    }

    [Fact]
    public async Task Usage_counts_each_prompt_once_and_every_sample()
    {
        var answer = await AskAsync(new { prompt = new[] { Ids, Ids }, n = 3, max_tokens = 5, temperature = 0 });
        var usage = answer.GetProperty("usage");
        Assert.Equal((2 * Ids.Length, 30, 2 * Ids.Length + 30),
            (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()));
        Assert.All(answer.GetProperty("choices").EnumerateArray(), choice => Assert.Equal("length", choice.GetProperty("finish_reason").GetString()));
        // The default of the API.
        Assert.Equal(16, (await AskAsync(new { prompt = Ids, temperature = 0 })).GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Log_probabilities_are_lists_of_one_length_with_the_token_among_the_alternatives()
    {
        var choice = (await AskAsync(new { prompt = Text, temperature = 1, seed = 5, max_tokens = 12, logprobs = 2 })).GetProperty("choices")[0];
        var logprobs = choice.GetProperty("logprobs");
        string[] tokens = [.. Texts(logprobs.GetProperty("tokens"))];
        Assert.Equal(12, tokens.Length);
        Assert.Equal(choice.GetProperty("text").GetString(), string.Concat(tokens));
        for (var at = 0; at < tokens.Length; at++)
        {
            Assert.Equal(string.Concat(tokens.Take(at)).Length, logprobs.GetProperty("text_offset")[at].GetInt32());
            var top = logprobs.GetProperty("top_logprobs")[at];
            Assert.InRange(top.EnumerateObject().Count(), 2, 3);
            Assert.Equal(logprobs.GetProperty("token_logprobs")[at].GetSingle(), top.GetProperty(tokens[at]).GetSingle());
        }
        var none = (await AskAsync(new { prompt = Text, seed = 5, max_tokens = 3, logprobs = 0 })).GetProperty("choices")[0].GetProperty("logprobs");
        Assert.All(none.GetProperty("top_logprobs").EnumerateArray(), top => Assert.Single(top.EnumerateObject()));
    }

    [Fact]
    public async Task Echo_puts_the_prompt_before_the_answer()
    {
        var answer = TextOf(await AskAsync(new { prompt = Text, temperature = 0, max_tokens = 4 }));
        var echoed = (await AskAsync(new { prompt = Text, temperature = 0, max_tokens = 4, echo = true, logprobs = 1 })).GetProperty("choices")[0];
        Assert.Equal(Text + answer, echoed.GetProperty("text").GetString());
        var logprobs = echoed.GetProperty("logprobs");
        Assert.Equal(1 + Ids.Length + 4, logprobs.GetProperty("tokens").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, logprobs.GetProperty("token_logprobs")[0].ValueKind);
        Assert.Equal(JsonValueKind.Null, logprobs.GetProperty("top_logprobs")[0].ValueKind);
        Assert.Equal(Text.Length, logprobs.GetProperty("text_offset")[1 + Ids.Length].GetInt32());
        // Without tokens to generate, the prompt is all: with log-probabilities or without.
        foreach (var scores in (int?[])[null, 1])
        {
            var alone = (await AskAsync(new { prompt = Text, max_tokens = 0, echo = true, logprobs = scores })).GetProperty("choices")[0];
            Assert.Equal((Text, "length"), (alone.GetProperty("text").GetString(), alone.GetProperty("finish_reason").GetString()));
            Assert.Equal(scores is null ? 0 : 1 + Ids.Length, scores is null ? 0 : alone.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
        }
    }

    [Fact]
    public async Task A_stop_string_ends_the_text_and_its_tokens_are_not_reported()
    {
        var whole = TextOf(await AskAsync(new { prompt = Text, temperature = 0, max_tokens = 20 }));
        var stop = whole[10..13];
        var first = whole.IndexOf(stop, StringComparison.Ordinal);
        var choice = (await AskAsync(new { prompt = Text, temperature = 0, max_tokens = 20, stop, logprobs = 0 })).GetProperty("choices")[0];
        Assert.Equal((whole[..first], "stop"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
        Assert.All(choice.GetProperty("logprobs").GetProperty("text_offset").EnumerateArray(), offset => Assert.True(offset.GetInt32() < first));
        // More than the API's four.
        var many = Enumerable.Range(0, 8).Select(number => $"<{number}>").Append(stop);
        Assert.Equal(whole[..first], TextOf(await AskAsync(new { prompt = Text, temperature = 0, max_tokens = 20, stop = many })));
    }

    [Fact]
    public async Task A_seed_gives_the_same_text_and_another_another()
    {
        var texts = new List<string>();
        foreach (var seed in (long[])[3, 3, 4, -9]) texts.Add(TextOf(await AskAsync(new { prompt = Text, seed })));
        Assert.Equal(texts[0], texts[1]);
        Assert.Equal(3, texts.Distinct().Count());
    }

    [Fact]
    public async Task The_best_of_several_samples_have_the_highest_log_probability_per_token()
    {
        var all = (await AskAsync(new { prompt = Text, seed = 1, n = 6, logprobs = 0 })).GetProperty("choices").EnumerateArray()
            .OrderByDescending(choice => choice.GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().Average(score => score.GetSingle()))
            .Select(choice => choice.GetProperty("text").GetString()).ToList();
        var best = await AskAsync(new { prompt = Text, seed = 1, n = 2, best_of = 6 });
        Assert.Equal(all.Take(2), best.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()));
        Assert.Equal(JsonValueKind.Null, best.GetProperty("choices")[0].GetProperty("logprobs").ValueKind);
        // All six were generated.
        Assert.Equal(96, best.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Theory]
    [InlineData(false, 9)]
    [InlineData(true, 9)]
    [InlineData(true, 0)]
    public async Task A_stream_gives_what_the_whole_answer_gives(bool echo, int tokens)
    {
        var request = new Dictionary<string, object>
        {
            ["prompt"] = new[] { Text, "The sun" },
            ["n"] = 2,
            ["seed"] = 3,
            ["max_tokens"] = tokens,
            ["echo"] = echo,
            ["logprobs"] = 2,
        };
        var whole = await AskAsync(request);
        (request["stream"], request["stream_options"]) = (true, new { include_usage = true });
        var chunks = await _served.StreamAsync(Path, request);
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(whole.GetProperty("usage").ToString(), chunks[^1].GetProperty("usage").ToString());
        var parts = chunks.SkipLast(1).Select(chunk => Assert.Single(chunk.GetProperty("choices").EnumerateArray().ToList()))
            .ToLookup(choice => choice.GetProperty("index").GetInt32());
        foreach (var choice in whole.GetProperty("choices").EnumerateArray())
        {
            var own = parts[choice.GetProperty("index").GetInt32()].ToList();
            Assert.Equal(choice.GetProperty("text").GetString(), string.Concat(own.Select(part => part.GetProperty("text").GetString())));
            var reasons = own.Select(part => part.GetProperty("finish_reason").GetString()).OfType<string>();
            Assert.Equal(choice.GetProperty("finish_reason").GetString(), Assert.Single(reasons));
            foreach (var list in (string[])["tokens", "token_logprobs", "top_logprobs", "text_offset"])
                Assert.Equal(choice.GetProperty("logprobs").GetProperty(list).EnumerateArray().Select(value => value.ToString()),
                    own.Where(part => part.GetProperty("logprobs").ValueKind == JsonValueKind.Object)
                        .SelectMany(part => part.GetProperty("logprobs").GetProperty(list).EnumerateArray().Select(value => value.ToString())));
        }
    }

    private Task<JsonElement> AskAsync(object body) => _served.AskAsync(Path, body);

    private static string TextOf(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("text").GetString()!;

    private static IEnumerable<string> Texts(JsonElement list) => list.EnumerateArray().Select(text => text.GetString()!);
}

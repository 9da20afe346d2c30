using System.Net;
using System.Net.Http.Headers;
using Tulu2.Data.Chat;
using Tulu2.Files;
using Tulu2.Serving.Access;
using Tulu2.Serving.Hosting;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;
using Xunit;

namespace Tulu2.Tests.Serving;

public sealed class AccessTests
{
    private const string Path = "/v1/completions";

    private static readonly object Body = new { prompt = "a", max_tokens = 1 };

    [Fact]
    public async Task Without_a_key_only_the_health_is_shown()
    {
        await using var served = await ServedFake.StartAsync(settings: new ServerSettings { Keys = ["first-key", "second-key"] });
        AuthenticationHeaderValue?[] wrong =
            [null, new("Bearer"), new("Bearer", "first-ke"), new("Bearer", "first-key2"), new("Basic", "first-key"), new("Bearer", "first-key,second-key")];
        foreach (var header in wrong)
        {
            served.Client.DefaultRequestHeaders.Authorization = header;
            foreach (var path in (string[])["/v1/models", "/metrics", "/v1/nothing"])
            {
                using var refused = await served.Client.GetAsync(path);
                await ServedFake.AssertErrorAsync(refused, HttpStatusCode.Unauthorized, "invalid_api_key");
                Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
            }
            Assert.Equal(HttpStatusCode.Unauthorized, (await served.SendAsync(Path, Body)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await served.Client.GetAsync("/health")).StatusCode);
        }
        foreach (var key in (string[])["first-key", "second-key"])
        {
            served.Client.DefaultRequestHeaders.Authorization = new("bearer", key);
            Assert.Equal(HttpStatusCode.OK, (await served.SendAsync(Path, Body)).StatusCode);
        }
    }

    [Fact]
    public async Task Paths_and_methods_that_do_not_exist_are_errors_in_the_same_shape()
    {
        await using var served = await ServedFake.StartAsync();
        using var unknown = await served.Client.GetAsync("/v1/embeddings");
        await ServedFake.AssertErrorAsync(unknown, HttpStatusCode.NotFound, "unknown_url");
        using var method = await served.Client.GetAsync(Path);
        await ServedFake.AssertErrorAsync(method, HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.Equal("POST", string.Join(',', method.Content.Headers.Allow));
        using var model = await served.SendAsync(Path, new { prompt = "a", model = "gpt-4" });
        await ServedFake.AssertErrorAsync(model, HttpStatusCode.NotFound, "model_not_found");
        using var named = await served.Client.GetAsync("/v1/models//models/fake");
        Assert.Equal(HttpStatusCode.OK, named.StatusCode);
    }

    [Fact]
    public async Task A_form_or_plain_text_is_not_taken_for_JSON()
    {
        await using var served = await ServedFake.StartAsync();
        foreach (var type in (string?[])["text/plain", "application/x-www-form-urlencoded", null])
        {
            var content = new ByteArrayContent("""{"prompt": "a"}"""u8.ToArray());
            if (type is not null) content.Headers.ContentType = new(type);
            using var response = await served.Client.PostAsync(Path, content);
            await ServedFake.AssertErrorAsync(response, HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Fact]
    public async Task Without_keys_a_server_for_this_machine_answers_to_its_own_names_only()
    {
        await using var open = await ServedFake.StartAsync();
        await using var keyed = await ServedFake.StartAsync(settings: new ServerSettings { Keys = ["a-key"] });
        keyed.Client.DefaultRequestHeaders.Authorization = new("Bearer", "a-key");
        (string, bool)[] hosts = [("localhost:8000", true), ("127.0.0.1", true), ("[::1]:80", true), ("evil.example", false), ("192.0.2.1", false)];
        foreach (var (host, own) in hosts)
            foreach (var served in (ServedFake[])[open, keyed])
            {
                using var request = ServedFake.Post(Path, """{"prompt": "a"}""");
                request.Headers.Host = host;
                using var response = await served.Client.SendAsync(request);
                if (own || served == keyed) Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                else await ServedFake.AssertErrorAsync(response, HttpStatusCode.Forbidden, "host_not_allowed");
            }
    }

    [Fact]
    public async Task A_body_above_the_limit_is_refused()
    {
        await using var served = await ServedFake.StartAsync(settings: new ServerSettings { MaxBody = 10_000 });
        using var large = await served.SendAsync(Path, new { prompt = new string('a', 20_000) });
        await ServedFake.AssertErrorAsync(large, HttpStatusCode.RequestEntityTooLarge, "request_too_large");
        // Without a length in front.
        using var chunked = ServedFake.Post(Path, $$"""{"prompt": "{{new string('a', 20_000)}}"}""");
        chunked.Headers.TransferEncodingChunked = true;
        using var response = await served.Client.SendAsync(chunked);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await served.SendAsync(Path, Body)).StatusCode);
    }

    [Fact]
    public async Task Overload_is_told_with_the_time_to_come_back()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var engine = new FakeEngine(ServedFake.Tokenizer) { Most = 2, BeforeToken = release.Task.WaitAsync };
        await using var served = await ServedFake.StartAsync(engine, new ServerSettings { MaxRequests = 3 });
        var inside = Enumerable.Range(0, 2).Select(_ => served.SendAsync(Path, Body)).ToList();
        await ServedFake.UntilAsync(() => engine.Running == 2, "two requests run");
        // The engine is full, for whole answers and for streams; a list of prompts is refused as a whole.
        foreach (var body in (object[])[Body, new { prompt = "a", stream = true }, new { prompt = new[] { "a", "b", "c" } }])
        {
            using var busy = await served.SendAsync(Path, body);
            await ServedFake.AssertErrorAsync(busy, HttpStatusCode.TooManyRequests, "rate_limit_exceeded");
            Assert.True(busy.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }
        release.SetResult();
        Assert.All(await Task.WhenAll(inside), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(HttpStatusCode.OK, (await served.SendAsync(Path, Body)).StatusCode);
        Assert.Equal(0, engine.Running);
    }

    [Fact]
    public async Task Requests_above_the_servers_own_limit_are_refused_too()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var engine = new FakeEngine(ServedFake.Tokenizer) { BeforeToken = release.Task.WaitAsync };
        await using var served = await ServedFake.StartAsync(engine, new ServerSettings { MaxRequests = 2 });
        var inside = Enumerable.Range(0, 2).Select(_ => served.SendAsync(Path, Body)).ToList();
        await ServedFake.UntilAsync(() => engine.Running == 2, "two requests run");
        Assert.Equal(HttpStatusCode.TooManyRequests, (await served.SendAsync(Path, Body)).StatusCode);
        // Whoever watches the server still sees it.
        Assert.Equal(HttpStatusCode.OK, (await served.Client.GetAsync("/health")).StatusCode);
        release.SetResult();
        await Task.WhenAll(inside);
    }

    [Fact]
    public async Task An_error_of_the_servers_own_tells_clients_nothing_and_the_operator_everything()
    {
        var engine = new FakeEngine(ServedFake.Tokenizer) { Fault = new InvalidOperationException("a secret path") };
        await using var served = await ServedFake.StartAsync(engine);
        foreach (var stream in (bool[])[false, true])
        {
            using var response = await served.SendAsync(Path, new { prompt = "a", stream });
            await ServedFake.AssertErrorAsync(response, HttpStatusCode.InternalServerError, "internal_error");
            Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(2, served.Faults.Count);
        Assert.All(served.Faults, fault => Assert.Equal("a secret path", fault.Message));
    }

    [Fact]
    public async Task The_metrics_count_requests_tokens_and_times()
    {
        await using var served = await ServedFake.StartAsync();
        await served.SendAsync(Path, new { prompt = "a", max_tokens = 7, n = 2 });
        await served.SendAsync(Path, new { prompt = 5 });
        await served.Client.GetAsync("/no/such/path");
        using var response = await served.Client.GetAsync("/metrics");
        Assert.StartsWith("text/plain; version=0.0.4", response.Content.Headers.ContentType?.ToString());
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        foreach (var line in (string[])[
            "tulu2_requests_total{endpoint=\"/v1/completions\",code=\"200\"} 1", "tulu2_requests_total{endpoint=\"/v1/completions\",code=\"400\"} 1",
            "tulu2_requests_total{endpoint=\"other\",code=\"404\"} 1", "tulu2_requests_running 0", "tulu2_generated_tokens_total 14",
            "tulu2_time_to_first_token_seconds_count 1", "tulu2_time_per_output_token_seconds_count 12", "tulu2_kv_cache_capacity_tokens 4096"])
            Assert.Contains(line, lines);
    }

    [Fact]
    public void A_key_file_has_one_key_a_line()
    {
        if (OperatingSystem.IsWindows()) return;
        var path = System.IO.Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "# ours\n\n  key-one  \nkey-two\r\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var remarks = new List<string>();
            Assert.Equal(["key-one", "key-two"], ApiKeyFile.Read(path, remarks.Add));
            Assert.Empty(remarks);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            _ = ApiKeyFile.Read(path, remarks.Add);
            Assert.Contains("chmod 600", Assert.Single(remarks));
            foreach (var text in (string[])["", "# nothing\n", "two words\n", "clé\n"])
            {
                File.WriteAllText(path, text);
                Assert.Throws<BadInputException>(() => ApiKeyFile.Read(path));
            }
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Throws<BadInputException>(() => ApiKeyFile.Read(path));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        await using var served = await ServedFake.StartAsync();
        var model = new ServedModel("m", served.Engine, ServedFake.Tokenizer,
            new ChatEncoder(ChatTokenizer.Of(ServedFake.Tokenizer), ChatForm.Default, 256));
        var taken = new ServerSettings { Port = served.Server.Url.Port };
        var error = await Assert.ThrowsAsync<BadInputException>(() => ApiServer.StartAsync(model, taken, _ => { }));
        Assert.Contains($"127.0.0.1:{served.Server.Url.Port}", error.Where);
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Serving.Hosting;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;
using Xunit;

namespace Tulu2.Tests.Serving;

/// <summary>A server over a <see cref="FakeEngine"/> on a free port, and a client of it.</summary>
internal sealed class ServedFake : IAsyncDisposable
{
    public const string Model = "tulu-2-fake";

    /// <summary>No test waits longer.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    public static readonly SentencePieceBpeTokenizer Tokenizer =
        SentencePieceBpeTokenizer.Load(Checkout.Path("tests", "Tulu2.Tests", "Golden", "tokenizer.model"));

    private ServedFake(ApiServer server, FakeEngine engine, List<Exception> faults) =>
        (Server, Engine, Faults, Client) = (server, engine, faults, new HttpClient { BaseAddress = server.Url, Timeout = Deadline });

    public ApiServer Server { get; }
    public FakeEngine Engine { get; }
    public List<Exception> Faults { get; }
    public HttpClient Client { get; }

    public static async Task<ServedFake> StartAsync(FakeEngine? engine = null, ServerSettings? settings = null)
    {
        engine ??= new FakeEngine(Tokenizer);
        var chat = new ChatEncoder(ChatTokenizer.Of(Tokenizer), ChatForm.Default, engine.ContextLength);
        var faults = new List<Exception>();
        var model = new ServedModel(Model, engine, Tokenizer, chat) { Aliases = ["/models/fake"] };
        var server = await ApiServer.StartAsync(model, (settings ?? new ServerSettings()) with { Port = 0 }, error =>
        {
            lock (faults) faults.Add(error);
        });
        return new ServedFake(server, engine, faults);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }

    public static HttpRequestMessage Post(string path, string json) =>
        new(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

    public Task<HttpResponseMessage> SendAsync(
        string path, object body, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead, CancellationToken cancellation = default) =>
        Client.SendAsync(Post(path, JsonSerializer.Serialize(body)), completion, cancellation);

    /// <summary>The answer's object; the test fails where it is an error.</summary>
    public async Task<JsonElement> AskAsync(string path, object body)
    {
        using var response = await SendAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>The events of a streamed answer, without the [DONE] at their end, which has to be there.</summary>
    public async Task<List<JsonElement>> StreamAsync(string path, object body)
    {
        using var response = await SendAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.StartsWith("data: ") ? line["data: ".Length..] : throw new FormatException(line)).ToList();
        Assert.Equal("[DONE]", events[^1]);
        return [.. events.SkipLast(1).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    public static async Task<JsonElement> ErrorOf(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");

    /// <summary>The answer is an error with this status and code.</summary>
    public static async Task AssertErrorAsync(HttpResponseMessage response, HttpStatusCode status, string code) =>
        Assert.Equal((status, code), (response.StatusCode, (await ErrorOf(response)).GetProperty("code").GetString()));

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        using var late = new CancellationTokenSource(Deadline);
        while (!holds())
        {
            Assert.False(late.IsCancellationRequested, $"waited in vain: {what}");
            await Task.Delay(5);
        }
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tulu2.Serving.Settings;
using Xunit;

namespace Tulu2.Tests.Serving;

/// <summary>Clients that go away or stop reading, and the server's own end.</summary>
public sealed class DepartureTests
{
    private const string Path = "/v1/completions";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_goes_away_frees_its_room(bool stream)
    {
        var engine = new FakeEngine(ServedFake.Tokenizer) { BeforeToken = cancellation => Task.Delay(Timeout.Infinite, cancellation) };
        await using var served = await ServedFake.StartAsync(engine);
        using var leaving = new CancellationTokenSource();
        var request = served.SendAsync(Path, new { prompt = new[] { "a", "b" }, n = 2, stream }, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        await ServedFake.UntilAsync(() => engine.Running == 2, "both prompts run");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await ServedFake.UntilAsync(() => engine.Running == 0, "the room is free");
        await ServedFake.UntilAsync(() => MetricsOf(served).Contains("code=\"499\"} 1"), "the departure is counted");
        Assert.Empty(served.Faults);
    }

    [Fact]
    public async Task A_client_that_goes_away_within_a_stream_frees_its_room()
    {
        var tokens = 0;
        var engine = new FakeEngine(ServedFake.Tokenizer)
        {
            BeforeToken = cancellation => Interlocked.Increment(ref tokens) < 5 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, cancellation),
        };
        await using var served = await ServedFake.StartAsync(engine);
        using (var response = await served.SendAsync(Path, new { prompt = "a", stream = true, max_tokens = 50 }, HttpCompletionOption.ResponseHeadersRead))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.StartsWith("data: ", await reader.ReadLineAsync());
            Assert.Equal(1, engine.Running);
        }
        await ServedFake.UntilAsync(() => engine.Running == 0, "the room is free");
        Assert.Empty(served.Faults);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_holds_up_nobody_and_is_dropped()
    {
        var engine = new FakeEngine(ServedFake.Tokenizer) { ContextLength = 1 << 20 };
        await using var served = await ServedFake.StartAsync(engine, new ServerSettings { MaxStall = TimeSpan.FromSeconds(0.2), StreamBuffer = 100 });
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await silent.ConnectAsync(IPAddress.Loopback, served.Server.Url.Port);
        var body = """{"prompt": "a", "stream": true, "n": 8, "max_tokens": 100000}""";
        var head = $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        await silent.SendAsync(Encoding.ASCII.GetBytes(head + body));
        await ServedFake.UntilAsync(() => MetricsOf(served).Contains("tulu2_streams_dropped_total 1"), "the client is dropped");
        await ServedFake.UntilAsync(() => engine.Running == 0, "its room is free");
        // It got an unfinished answer, which cannot be taken for a whole one.
        var received = new MemoryStream();
        var buffer = new byte[65536];
        try
        {
            while (await silent.ReceiveAsync(buffer) is > 0 and var count) received.Write(buffer, 0, count);
        }
        catch (SocketException)
        {
        }
        Assert.DoesNotContain("[DONE]", Encoding.UTF8.GetString(received.ToArray()));
        using var other = await served.SendAsync(Path, new { prompt = "b" });
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Empty(served.Faults);
    }

    [Fact]
    public async Task At_the_end_requests_in_progress_are_finished()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var engine = new FakeEngine(ServedFake.Tokenizer) { BeforeToken = release.Task.WaitAsync };
        await using var served = await ServedFake.StartAsync(engine);
        var inside = served.SendAsync(Path, new { prompt = "a", max_tokens = 3 });
        await ServedFake.UntilAsync(() => engine.Running == 1, "the request runs");
        var stopping = served.Server.StopAsync(ServedFake.Deadline);
        using var late = new HttpClient { BaseAddress = served.Server.Url };
        await ServedFake.UntilAsync(() => Refuses(late), "new requests are refused");
        Assert.False(stopping.IsCompleted);
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await inside).StatusCode);
        await stopping.WaitAsync(ServedFake.Deadline);
    }

    [Fact]
    public async Task After_the_grace_clients_are_told_that_the_server_stops()
    {
        var tokens = 0;
        var engine = new FakeEngine(ServedFake.Tokenizer)
        {
            BeforeToken = cancellation => Interlocked.Increment(ref tokens) < 5 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, cancellation),
        };
        await using var served = await ServedFake.StartAsync(engine);
        using var stream = await served.SendAsync(Path, new { prompt = "a", stream = true, max_tokens = 50 }, HttpCompletionOption.ResponseHeadersRead);
        var whole = served.SendAsync(Path, new { prompt = "a", max_tokens = 50 });
        await ServedFake.UntilAsync(() => engine.Running == 2, "both requests run");
        await served.Server.StopAsync(TimeSpan.Zero);
        using var ended = await whole;
        await ServedFake.AssertErrorAsync(ended, HttpStatusCode.ServiceUnavailable, "server_stopping");
        var events = (await stream.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("server_stopping", JsonDocument.Parse(events[^1]["data: ".Length..]).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, engine.Running);
        Assert.Empty(served.Faults);
    }

    private static bool Refuses(HttpClient client)
    {
        try
        {
            return client.GetAsync("/v1/models").GetAwaiter().GetResult().StatusCode == HttpStatusCode.ServiceUnavailable;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private static string MetricsOf(ServedFake served) => served.Client.GetStringAsync("/metrics").GetAwaiter().GetResult();
}

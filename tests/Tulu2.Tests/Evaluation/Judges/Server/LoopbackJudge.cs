using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Tulu2.Tests.Evaluation.Judges.Server;

/// <summary>What a client asked.</summary>
/// <param name="Number">From 0, in the order of arrival.</param>
/// <param name="Body">Null: it is no JSON.</param>
internal sealed record JudgeCall(int Number, string Path, string? Authorization, JsonElement? Body)
{
    /// <summary>The last turn of the prompt.</summary>
    public string Prompt => Body!.Value.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
}

/// <summary>What the server does with a call.</summary>
internal abstract record JudgeReply
{
    /// <summary>A chat completion.</summary>
    public sealed record Verdict(string Text, string Model = "judge-1") : JudgeReply;

    public sealed record Raw(int Status, string Body, string? RetryAfter = null) : JudgeReply;

    /// <summary>The connection is reset without an answer.</summary>
    public sealed record HangUp : JudgeReply;

    /// <summary>No answer comes, and the connection stays open.</summary>
    public sealed record Silence : JudgeReply;

    /// <summary>The answer breaks off.</summary>
    public sealed record Cut(string Text) : JudgeReply;
}

/// <summary>An OpenAI-compatible endpoint on loopback that does what a test tells it. One request a connection.</summary>
internal sealed class LoopbackJudge : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private int _calls, _open;

    public LoopbackJudge(Func<JudgeCall, JudgeReply> reply)
    {
        Reply = reply;
        _listener.Start(backlog: 256);
        _ = Task.Run(AcceptAsync);
    }

    public Func<JudgeCall, JudgeReply> Reply { get; set; }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");

    public ConcurrentQueue<JudgeCall> Calls { get; } = [];

    /// <summary>The most calls that were open at the same time.</summary>
    public int MostOpen { get; private set; }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            var stream = client.GetStream();
            if (await ReadAsync(stream) is not { } call) return;
            Calls.Enqueue(call);
            lock (_listener) MostOpen = Math.Max(MostOpen, ++_open);
            try
            {
                await AnswerAsync(client, stream, Reply(call));
            }
            finally
            {
                lock (_listener) _open--;
            }
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
        {
            // The other end has closed it.
        }
    }

    private async Task<JudgeCall?> ReadAsync(NetworkStream stream)
    {
        var received = new List<byte>();
        var buffer = new byte[4096];
        int head;
        while ((head = Encoding.Latin1.GetString([.. received]).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
            if (await ReadSomeAsync()) return null;
        var lines = Encoding.Latin1.GetString([.. received[..head]]).Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).ToDictionary(pair => pair[0].ToLowerInvariant(), pair => pair[1].Trim());
        var length = int.Parse(headers.GetValueOrDefault("content-length", "0"), System.Globalization.CultureInfo.InvariantCulture);
        while (received.Count < head + 4 + length)
            if (await ReadSomeAsync()) return null;
        var body = Encoding.UTF8.GetString([.. received[(head + 4)..]]);
        return new JudgeCall(Interlocked.Increment(ref _calls) - 1, lines[0].Split(' ')[1], headers.GetValueOrDefault("authorization"), body.Length == 0 ? null : JsonSerializer.Deserialize<JsonElement>(body));

        async Task<bool> ReadSomeAsync()
        {
            var count = await stream.ReadAsync(buffer, _stop.Token);
            received.AddRange(buffer.AsSpan(0, count));
            return count == 0;
        }
    }

    private async Task AnswerAsync(TcpClient client, NetworkStream stream, JudgeReply reply)
    {
        switch (reply)
        {
            case JudgeReply.HangUp:
                client.LingerState = new LingerOption(true, 0);
                return;
            case JudgeReply.Silence:
                await Task.Delay(Timeout.Infinite, _stop.Token);
                return;
            case JudgeReply.Cut cut:
                await WriteAsync(stream, 200, Completion(cut.Text, "judge-1"), null, missing: 10);
                client.LingerState = new LingerOption(true, 0);
                return;
            case JudgeReply.Raw raw:
                await WriteAsync(stream, raw.Status, raw.Body, raw.RetryAfter);
                return;
            case JudgeReply.Verdict verdict:
                await WriteAsync(stream, 200, Completion(verdict.Text, verdict.Model), null);
                return;
        }
    }

    public static string Completion(string text, string model) => JsonSerializer.Serialize(new
    {
        id = "1",
        @object = "chat.completion",
        model,
        choices = new[] { new { index = 0, message = new { role = "assistant", content = text }, finish_reason = "stop" } },
        usage = new { prompt_tokens = 100, completion_tokens = 10, total_tokens = 110 },
    });

    private static async Task WriteAsync(NetworkStream stream, int status, string body, string? retryAfter, int missing = 0)
    {
        var content = Encoding.UTF8.GetBytes(body);
        var head = $"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {content.Length}\r\n"
            + $"{(retryAfter is null ? "" : $"Retry-After: {retryAfter}\r\n")}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        await stream.WriteAsync(content.AsMemory(0, content.Length - missing));
        await stream.FlushAsync();
    }
}

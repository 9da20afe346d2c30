using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Tulu2.Benchmarks;

/// <summary>
/// Clients of a server, all at a time, each with its own mixture of what clients do: whole and streamed answers, log-probabilities of prompts, leaving in the
/// middle, reading slowly, sending what is no request. The same prompt and seed must always give the same text.
/// </summary>
internal sealed class ServeLoad(Uri server, string model, int clients, int seed)
{
    private static readonly string[] Prompts =
    [
        "Once upon a time", "The little dog", "Lily went to the park", "One day, a bird", "Tom and Sue", "In a big forest",
        "The sun was", "There was a boy who",
    ];

    private static readonly string[] Malformed =
    [
        "", "{", "[]", "null", "{\"prompt\": 5}", "{\"prompt\": \"a\", \"max_tokens\": -5}", "{\"prompt\": \"a\", \"temperature\": 99}",
        "{\"prompt\": [[1], \"a\"]}",
        "{\"prompt\": \"a\", \"unknown\": 1}", "{\"prompt\": \"\\ud800\"}", "{\"messages\": []}", new string('[', 1000),
    ];

    private readonly ConcurrentDictionary<string, string> _texts = new();
    private readonly ConcurrentBag<double> _firstTokens = [];
    private readonly ConcurrentQueue<string> _errors = new();
    private int _whole, _streamed, _left, _slow, _refused, _busy, _repeated;

    /// <summary>Most tokens of an answer.</summary>
    public int MaxTokens { get; init; } = 48;

    /// <summary>How long a slow reader waits between two lines.</summary>
    public TimeSpan SlowPause { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>What is wrong with the server; empty: nothing.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>Answers that had a text to be compared with.</summary>
    public int Repeated => _repeated;

    /// <param name="stop">Ends the load; clients finish what they are at.</param>
    /// <param name="rounds">Requests of each client, at most.</param>
    public async Task RunAsync(int rounds, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = clients + 8 };
        using var http = new HttpClient(handler) { BaseAddress = server, Timeout = TimeSpan.FromMinutes(5) };
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => ClientAsync(http, new Random(seed * 1000 + client), rounds, stop)));
    }

    public string Summary()
    {
        var times = _firstTokens.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"""
            answers: {_whole} whole, {_streamed} streamed, {_slow} read slowly
            {_left} left in the middle, {_refused} malformed ones refused, {_busy} told to come back
            same prompt and seed again: {_repeated}, all with the same text: {!_errors.Any(error => error.StartsWith("seed", StringComparison.Ordinal))}
            time to first token: p50 {At(0.5):F3} s, p90 {At(0.9):F3} s, p99 {At(0.99):F3} s, most {At(1):F3} s, of {times.Count}
            errors of the server: {_errors.Count}
            """);

        double At(double share) => times.Count == 0 ? double.NaN : times[Math.Min(times.Count - 1, (int)(share * times.Count))];
    }

    private async Task ClientAsync(HttpClient http, Random random, int rounds, CancellationToken stop)
    {
        for (var round = 0; round < rounds && !stop.IsCancellationRequested; round++)
        {
            var kind = random.Next(100);
            try
            {
                if (kind < 45) await StreamAsync(http, random, TimeSpan.Zero, leaveAfter: int.MaxValue);
                else if (kind < 60) await StreamAsync(http, random, TimeSpan.Zero, leaveAfter: random.Next(8));
                else if (kind < 68) await StreamAsync(http, random, SlowPause, leaveAfter: int.MaxValue);
                else if (kind < 80) await WholeAsync(http, random);
                else if (kind < 88) await ScoreAsync(http, random);
                else await MalformedAsync(http, random);
            }
            catch (Exception error)
            {
                _errors.Enqueue($"{error.GetType().Name}: {error.Message}");
            }
        }
    }

    private async Task StreamAsync(HttpClient http, Random random, TimeSpan pause, int leaveAfter)
    {
        // Who leaves asks for much: the answer must not have ended before.
        var (body, key, isChat) = Request(random, leaveAfter == int.MaxValue ? MaxTokens : 10 * MaxTokens);
        body["stream"] = true;
        var began = Stopwatch.GetTimestamp();
        using var response = await SendAsync(http, isChat, body, HttpCompletionOption.ResponseHeadersRead);
        if (response is null) return;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (text, lines, done) = (new StringBuilder(), 0, false);
        while (lines < leaveAfter && await reader.ReadLineAsync() is { } line)
        {
            if (line.Length == 0) continue;
            if (lines++ == 0) _firstTokens.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (line == "data: [DONE]")
            {
                done = true;
                break;
            }
            using var chunk = JsonDocument.Parse(line["data: ".Length..]);
            if (chunk.RootElement.TryGetProperty("error", out var error)) _errors.Enqueue($"in a stream: {error}");
            else text.Append(PieceOf(chunk.RootElement.GetProperty("choices")[0], isChat));
            if (pause > TimeSpan.Zero) await Task.Delay(pause);
        }
        if (lines >= leaveAfter && !done)
        {
            Interlocked.Increment(ref _left);
            return;
        }
        if (!done) _errors.Enqueue("a stream ended without [DONE]");
        Interlocked.Increment(ref pause > TimeSpan.Zero ? ref _slow : ref _streamed);
        Compare(key, text.ToString());
    }

    private async Task WholeAsync(HttpClient http, Random random)
    {
        var (body, key, isChat) = Request(random, MaxTokens);
        using var response = await SendAsync(http, isChat, body);
        if (response is null) return;
        var choice = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0];
        Interlocked.Increment(ref _whole);
        Compare(key, isChat ? choice.GetProperty("message").GetProperty("content").GetString()! : choice.GetProperty("text").GetString()!);
    }

    private async Task ScoreAsync(HttpClient http, Random random)
    {
        var prompt = Prompts[random.Next(Prompts.Length)];
        using var response = await SendAsync(http, false,
            new() { ["model"] = model, ["prompt"] = prompt, ["temperature"] = 0, ["max_tokens"] = 1, ["echo"] = true, ["logprobs"] = 1 });
        if (response is null) return;
        var logprobs = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0].GetProperty("logprobs");
        Interlocked.Increment(ref _whole);
        Compare($"scores of {prompt}", logprobs.GetProperty("token_logprobs").ToString());
    }

    private async Task MalformedAsync(HttpClient http, Random random)
    {
        using var content = new StringContent(Malformed[random.Next(Malformed.Length)], Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(random.Next(2) == 0 ? "/v1/completions" : "/v1/chat/completions", content);
        if (await IsBusyAsync(response)) return;
        if (response.StatusCode != HttpStatusCode.BadRequest) _errors.Enqueue($"{response.StatusCode} for a malformed body");
        else Interlocked.Increment(ref _refused);
    }

    private (Dictionary<string, object> Body, string Key, bool IsChat) Request(Random random, int tokens)
    {
        var (prompt, own, isChat) = (Prompts[random.Next(Prompts.Length)], random.Next(3), random.Next(3) == 0);
        var body = new Dictionary<string, object> { ["model"] = model, ["seed"] = own, ["max_tokens"] = tokens };
        if (isChat) body["messages"] = new[] { new { role = "user", content = prompt } };
        else body["prompt"] = prompt;
        return (body, $"{isChat} {tokens} {own} {prompt}", isChat);
    }

    /// <returns>Null: it has to come back later, or there was an error, which is counted.</returns>
    private async Task<HttpResponseMessage?> SendAsync(
        HttpClient http, bool isChat, Dictionary<string, object> body, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, isChat ? "/v1/chat/completions" : "/v1/completions") { Content = JsonContent.Create(body) };
        // Content of an unknown length goes out in chunks, as some clients send it.
        var response = await http.SendAsync(request, completion);
        if (response.IsSuccessStatusCode) return response;
        if (!await IsBusyAsync(response)) _errors.Enqueue($"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        response.Dispose();
        return null;
    }

    private async Task<bool> IsBusyAsync(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.TooManyRequests) return false;
        Interlocked.Increment(ref _busy);
        if (response.Headers.RetryAfter?.Delta is { } wait) await Task.Delay(wait);
        else _errors.Enqueue("429 without Retry-After");
        return true;
    }

    private void Compare(string key, string text)
    {
        if (_texts.TryAdd(key, text)) return;
        Interlocked.Increment(ref _repeated);
        if (_texts[key] != text) _errors.Enqueue($"seed: {key} gave '{_texts[key]}' and then '{text}'");
    }

    private static string? PieceOf(JsonElement choice, bool isChat)
    {
        if (!isChat) return choice.GetProperty("text").GetString();
        return choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : "";
    }
}

using System.Text.Json;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>What came back for one try. Pure.</summary>
internal abstract record EndpointAnswer
{
    private EndpointAnswer() { }

    /// <summary>A verdict.</summary>
    /// <param name="Model">The model that says it is its own.</param>
    /// <param name="PromptTokens">Null: the endpoint does not count them.</param>
    public sealed record Verdict(string Text, string? Model, long? PromptTokens, long? CompletionTokens) : EndpointAnswer;

    /// <summary>A later try may succeed.</summary>
    /// <param name="Asked">The wait that the server asks for.</param>
    public sealed record Later(string Why, TimeSpan? Asked = null) : EndpointAnswer;

    /// <summary>It will stay like this until somebody changes something.</summary>
    public sealed record Refused(string Why, string Fix) : EndpointAnswer;

    /// <summary>The judge's context cannot hold the prompt.</summary>
    public sealed record TooLong : EndpointAnswer;

    private const int MostShown = 300;

    /// <param name="retryAfter">The header's value: seconds, or a date.</param>
    public static EndpointAnswer Of(int status, string? retryAfter, string body, string model, DateTimeOffset now) => status switch
    {
        >= 200 and < 300 => OfBody(body),
        401 or 403 => new Refused($"refuses the key ({status}{Words(body)})", "give the endpoint's key with --judge-key-file, TULU2_JUDGE_KEY or OPENAI_API_KEY"),
        404 => new Refused($"has no chat completions of {model} (404{Words(body)})", "check the address, which ends in /v1 mostly, and the model behind #"),
        429 when Code(body) == "insufficient_quota" => new Refused("says that the quota is used up (429)", "raise the quota, or use another key; verdicts so far are kept"),
        _ when JudgeTries.IsForLater(status) => new Later($"answers with status {status}{Words(body)}", Wait(retryAfter, now)),
        400 when Code(body) == "context_length_exceeded" => new TooLong(),
        _ => new Refused($"refuses the request ({status}{Words(body)})", "check the address and the model behind #"),
    };

    private static EndpointAnswer OfBody(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            var message = root.GetProperty("choices")[0].GetProperty("message");
            // A refusal is a verdict that the benchmark cannot read.
            var text = TextOf(message, "content") ?? TextOf(message, "refusal") ?? "";
            var usage = root.TryGetProperty("usage", out var found) && found.ValueKind == JsonValueKind.Object ? found : default;
            return new Verdict(text, TextOf(root, "model"), CountOf(usage, "prompt_tokens"), CountOf(usage, "completion_tokens"));
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return new Later("answers with something that is not a chat completion");
        }
    }

    private static string? TextOf(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? CountOf(JsonElement usage, string key) =>
        usage.ValueKind == JsonValueKind.Object && usage.TryGetProperty(key, out var value) && value.TryGetInt64(out var count) ? count : null;

    private static TimeSpan? Wait(string? header, DateTimeOffset now) =>
        double.TryParse(header, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < 1e6 ? TimeSpan.FromSeconds(seconds)
        : DateTimeOffset.TryParse(header, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var at)
            ? TimeSpan.FromTicks(Math.Max(0, (at - now).Ticks))
            : null;

    private static string? Code(string body) => Error(body, "code");

    private static string Words(string body) => Error(body, "message") is { Length: > 0 } message
        ? $": {string.Join(' ', (message.Length > MostShown ? message[..MostShown] : message).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}"
        : "";

    private static string? Error(string body, string key)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object
                ? TextOf(error, key)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

using System.Text.Json;
using Tulu2.Evaluation.Requests;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Requests;

/// <summary>What requests for completions and for chat completions have in common.</summary>
/// <param name="Model">Null: the one model that there is.</param>
/// <param name="Options">Without <see cref="GenerationOptions.MaxTokens"/>.</param>
/// <param name="IncludeUsage">The last chunk of a stream says how many tokens there were.</param>
internal sealed record SamplingFields(string? Model, GenerationOptions Options, bool Stream, bool IncludeUsage)
{
    // The OpenAI API takes 4; scripts for evaluation send more.
    private const int MaxStops = 32, MaxStopLength = 1000;

    public static SamplingFields Read(JsonFields fields, ServerSettings settings)
    {
        var stream = fields.Flag("stream") ?? false;
        var options = new GenerationOptions
        {
            Temperature = fields.Number("temperature", 0, 2) ?? 1,
            TopP = TopP(fields),
            // vLLM writes -1 for all tokens.
            TopK = Math.Max(0, fields.Count("top_k", -1, int.MaxValue) ?? 0),
            RepetitionPenalty = RepetitionPenalty(fields),
            Count = fields.Count("n", 1, settings.MaxSamples) ?? 1,
            Seed = fields.Integer("seed"),
            Stop = Stops(fields),
        };
        UnsupportedFields.Check(fields);
        return new SamplingFields(fields.Text("model"), options, stream, IncludesUsage(fields, stream));
    }

    private static double TopP(JsonFields fields) => fields.Number("top_p", 0, 1) switch
    {
        null => 1,
        0 => throw ApiException.Invalid("Invalid 'top_p': 0 is not above 0; use temperature 0 for the most likely tokens.", "top_p"),
        { } value => value,
    };

    private static double RepetitionPenalty(JsonFields fields) => fields.Number("repetition_penalty", 0, 100) switch
    {
        null => 1,
        0 => throw ApiException.Invalid("Invalid 'repetition_penalty': 0 is not above 0; 1 is no penalty.", "repetition_penalty"),
        { } value => value,
    };

    private static List<string> Stops(JsonFields fields)
    {
        List<string> stops = fields.Element("stop") switch
        {
            null => [],
            { ValueKind: JsonValueKind.String } one => [JsonFields.TextOf(one, "stop")],
            { ValueKind: JsonValueKind.Array } several => [.. several.EnumerateArray().Select((stop, index) => JsonFields.TextOf(stop, $"stop[{index}]"))],
            { } other => throw JsonFields.WrongType("stop", "a string or an array of strings", other),
        };
        if (stops.Count > MaxStops)
            throw ApiException.Invalid($"Invalid 'stop': {stops.Count} strings are more than the {MaxStops} that this server takes.", "stop");
        var bad = stops.FindIndex(stop => stop.Length is 0 or > MaxStopLength);
        return bad < 0 ? stops : throw ApiException.Invalid($"Invalid 'stop[{bad}]': it is empty, or longer than {MaxStopLength} characters.", $"stop[{bad}]");
    }

    private static bool IncludesUsage(JsonFields fields, bool stream)
    {
        if (fields.Object("stream_options") is not { } options) return false;
        if (!stream) throw ApiException.Invalid("'stream_options' is only for requests with 'stream': true.", "stream_options");
        var included = options.Flag("include_usage") ?? false;
        // Padding against eavesdroppers, which the OpenAI API adds, is not added here.
        _ = options.Flag("include_obfuscation");
        options.RefuseOthers();
        return included;
    }
}

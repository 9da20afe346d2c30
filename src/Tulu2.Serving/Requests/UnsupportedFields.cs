using System.Text.Json;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Requests;

/// <summary>
/// Fields of the OpenAI API and of vLLM that this server does not have. A value that means nothing is let through, as clients send it; any other is refused,
/// because an answer that ignores it would be wrong.
/// </summary>
internal static class UnsupportedFields
{
    /// <summary>About the caller, not about the answer.</summary>
    private static readonly string[] Ignored =
    [
        "user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls", "priority", "request_id",
    ];

    /// <summary>With the values that mean nothing, as JSON; none: every value is refused.</summary>
    private static readonly (string Name, string[] Neutral)[] Refused =
    [
        ("presence_penalty", ["0"]), ("frequency_penalty", ["0"]), ("logit_bias", ["{}"]), ("suffix", [""]), ("store", ["false"]),
        ("tools", ["[]"]), ("tool_choice", ["none", "auto"]), ("functions", ["[]"]), ("function_call", ["none", "auto"]), ("modalities", ["[text]"]),
        ("audio", []), ("prediction", []), ("web_search_options", []), ("reasoning_effort", ["none"]), ("verbosity", ["medium"]),
        ("min_p", ["0"]), ("min_tokens", ["0"]), ("ignore_eos", ["false"]), ("stop_token_ids", ["[]"]), ("include_stop_str_in_output", ["false"]),
        ("length_penalty", ["1"]),
        ("use_beam_search", ["false"]), ("skip_special_tokens", ["true"]), ("spaces_between_special_tokens", ["true"]), ("prompt_logprobs", []),
        ("add_generation_prompt", ["true"]), ("continue_final_message", ["false"]), ("chat_template", []), ("add_special_tokens", ["true", "false"]),
    ];

    public static void Check(JsonFields fields)
    {
        foreach (var name in Ignored) _ = fields.Element(name);
        foreach (var (name, neutral) in Refused)
            if (fields.Element(name) is { } value && !neutral.Contains(Plain(value)))
                throw Refuse(name, string.Join(" or ", neutral));
        if (fields.Object("response_format") is { } format && format.Text("type") is not "text") throw Refuse("response_format", "{\"type\": \"text\"}");
    }

    private static ApiException Refuse(string name, string neutral) =>
        ApiException.Invalid(
            $"'{name}' is not supported by this server{(neutral.Length == 0 ? "" : $", except as {neutral}")}.", name, "unsupported_parameter");

    // 0.0 is 0, and a list of one string is written without quotes.
    private static string Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble().ToString(System.Globalization.CultureInfo.InvariantCulture),
        JsonValueKind.Array => $"[{string.Join(",", value.EnumerateArray().Select(Plain))}]",
        JsonValueKind.Object => value.EnumerateObject().Any() ? "{...}" : "{}",
        JsonValueKind.String => JsonFields.TextOf(value, ""),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tulu2.Files;

/// <summary>One JSON object on one line, snake_case keys, floats with all their digits.</summary>
public static class JsonLine
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // A loss that is not a number must be seen, not turned into an exception while it is written down.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = false,
    };

    public static string Of<T>(T value) => JsonSerializer.Serialize(value, Options);
}

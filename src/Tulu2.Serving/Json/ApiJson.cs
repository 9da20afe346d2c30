using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tulu2.Serving.Json;

/// <summary>How answers are written.</summary>
internal static class ApiJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Answers are not put into HTML as they are, and texts in other scripts stay legible.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>JSON has no infinity; vLLM sends this number instead.</summary>
    public static float Finite(float logProbability) => Math.Max(logProbability, -9999);
}

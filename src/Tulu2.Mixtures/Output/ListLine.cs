using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tulu2.Mixtures.Output;

/// <summary>A list that is written beside rows: one JSON object a line, keys in snake case, texts as they are.</summary>
internal static class ListLine
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write<T>(Stream stream, T entry) => stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, Options) + "\n"));
}

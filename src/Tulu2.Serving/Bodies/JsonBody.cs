using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Bodies;

/// <summary>The JSON object that a request carries.</summary>
internal static class JsonBody
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <exception cref="ApiException">It is not JSON, not an object, or has a field twice.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, or comes too slowly.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        // Pages of other origins can send forms and plain text without asking first: they must not reach a server on this host.
        if (!context.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType,
                "The body has to be JSON: send the header 'Content-Type: application/json'.", null, "unsupported_media_type");
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(context.Request.Body, Strict, context.RequestAborted);
        }
        catch (JsonException failure)
        {
            var place = failure.LineNumber is { } line ? $" (line {line + 1}, byte {failure.BytePositionInLine + 1})" : "";
            throw new ApiException(StatusCodes.Status400BadRequest,
                $"The body could not be parsed as JSON{place}: it is no whole JSON value, is nested too deeply, or has a field twice.", null,
                "invalid_json", failure);
        }
        catch (InvalidOperationException failure)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "The name of a field is not valid Unicode.", null, "invalid_unicode", failure);
        }
        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        document.Dispose();
        throw ApiException.Invalid("The body has to be a JSON object.", null, "invalid_type");
    }
}

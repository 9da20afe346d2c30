using System.Globalization;
using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Json;

namespace Tulu2.Serving.Errors;

/// <summary><c>{"error": {"message", "type", "param", "code"}}</c>.</summary>
internal sealed record ErrorResponse(ErrorResponse.Details Error)
{
    internal sealed record Details(string Message, string Type, string? Param, string? Code);

    public static ErrorResponse Of(ApiException error) => new(new Details(error.Message, error.Type, error.Parameter, error.Code));

    /// <summary>Writes an error as the whole response.</summary>
    public static async Task WriteAsync(HttpContext context, ApiException error)
    {
        var response = context.Response;
        response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait) response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "Bearer";
        // What is left of a body that is too large is not read.
        if (error.Status == StatusCodes.Status413PayloadTooLarge) response.Headers.Connection = "close";
        await response.WriteAsJsonAsync(Of(error), ApiJson.Options, context.RequestAborted);
    }
}

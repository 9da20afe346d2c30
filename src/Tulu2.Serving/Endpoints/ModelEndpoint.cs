using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Json;

namespace Tulu2.Serving.Endpoints;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>.</summary>
internal sealed class ModelEndpoint(EndpointParts parts)
{
    private readonly Entry _entry = new(parts.Model.Name, "model", DateTimeOffset.UtcNow.ToUnixTimeSeconds(), "tulu2", parts.Model.Engine.ContextLength);

    /// <param name="MaxModelLen">Tokens of prompt and answer; vLLM's name for it.</param>
    private sealed record Entry(string Id, string Object, long Created, string OwnedBy, int MaxModelLen);

    private sealed record EntryList(string Object, IReadOnlyList<Entry> Data);

    public Task ListAsync(HttpContext context) => context.Response.WriteAsJsonAsync(new EntryList("list", [_entry]), ApiJson.Options, context.RequestAborted);

    public Task GetAsync(HttpContext context)
    {
        var asked = context.Request.RouteValues["id"]?.ToString() ?? "";
        if (!parts.Model.Is(asked)) throw NotFound(asked);
        return context.Response.WriteAsJsonAsync(_entry, ApiJson.Options, context.RequestAborted);
    }

    public static ApiException NotFound(string asked) =>
        new(StatusCodes.Status404NotFound, $"The model '{asked}' does not exist here; /v1/models lists what does.", "model", "model_not_found");
}

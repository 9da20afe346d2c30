using Microsoft.AspNetCore.Http;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Json;

namespace Tulu2.Serving.Endpoints;

/// <summary><c>GET /health</c> and <c>GET /metrics</c>.</summary>
internal sealed class StateEndpoints(EndpointParts parts)
{
    private sealed record Health(string Status);

    public Task HealthAsync(HttpContext context)
    {
        // Whoever spreads requests over servers sends no more to this one.
        if (parts.Life.IsStopping) throw ApiException.Stopping();
        return context.Response.WriteAsJsonAsync(new Health("ok"), ApiJson.Options, context.RequestAborted);
    }

    public Task MetricsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return parts.Metrics.WriteAsync(context.Response.Body, context.RequestAborted);
    }
}

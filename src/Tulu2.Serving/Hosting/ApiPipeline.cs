using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tulu2.Serving.Access;
using Tulu2.Serving.Endpoints;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Hosting;

/// <summary>What happens to a request: its errors become answers, its key is checked, an endpoint answers it, and the metrics count it.</summary>
internal sealed class ApiPipeline(EndpointParts parts)
{
    private const string HealthPath = "/health";

    // Not HTTP's, but what proxies log where the client went away.
    private const int ClientGone = 499;

    private readonly ApiKeys _keys = new(parts.Settings.Keys);
    private readonly LocalHosts _hosts = new(parts.Settings);

    public void Map(WebApplication app)
    {
        app.Use(CountAsync);
        app.Use(ShieldAsync);
        app.UseRouting();
        app.Use(CheckAsync);
        var models = new ModelEndpoint(parts);
        var state = new StateEndpoints(parts);
        app.MapPost("/v1/completions", new CompletionEndpoint(parts).HandleAsync);
        app.MapPost("/v1/chat/completions", new ChatEndpoint(parts).HandleAsync);
        app.MapGet("/v1/models", models.ListAsync);
        // Names of models may have slashes.
        app.MapGet("/v1/models/{**id}", models.GetAsync);
        app.MapGet(HealthPath, state.HealthAsync);
        app.MapGet("/metrics", state.MetricsAsync);
    }

    private async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            // Paths that clients make up would be metrics without end.
            var endpoint = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other";
            var code = context.RequestAborted.IsCancellationRequested ? ClientGone : context.Response.StatusCode;
            parts.Metrics.Ended(endpoint, code, Stopwatch.GetElapsedTime(began));
        }
    }

    private async Task ShieldAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && Unanswered(context) is { } error) await ErrorResponse.WriteAsync(context, error);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception error)
        {
            var seen = parts.Describe(error);
            // Half an answer must not look like a whole one.
            if (context.Response.HasStarted) context.Abort();
            else await ErrorResponse.WriteAsync(context, seen);
        }
    }

    private Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        _hosts.Check(context.Request);
        if (context.Request.Path != HealthPath)
        {
            _keys.Check(context.Request);
            if (parts.Life.IsStopping) throw ApiException.Stopping();
        }
        return next(context);
    }

    private static ApiException? Unanswered(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new(StatusCodes.Status404NotFound,
            $"Unknown request URL: {context.Request.Method} {context.Request.Path}. See docs/serving.md for those there are.", null, "unknown_url"),
        StatusCodes.Status405MethodNotAllowed => new(StatusCodes.Status405MethodNotAllowed,
            $"Not allowed: {context.Request.Method} {context.Request.Path}; allowed: {context.Response.Headers.Allow}.", null, "method_not_allowed"),
        _ => null,
    };
}

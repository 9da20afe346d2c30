using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tulu2.Files;
using Tulu2.Serving.Access;
using Tulu2.Serving.Endpoints;
using Tulu2.Serving.Measurements;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Hosting;

/// <summary>An OpenAI-compatible server of one model (docs/serving.md).</summary>
public sealed class ApiServer : IAsyncDisposable
{
    // For answers to requests that were cancelled at the server's end.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly ServerLife _life;

    private ApiServer(WebApplication app, ServerLife life, Uri url) => (_app, _life, Url) = (app, life, url);

    /// <summary>Where it listens, such as <c>http://127.0.0.1:8000</c>.</summary>
    public Uri Url { get; }

    /// <param name="fault">Told of errors of the server's own, which clients see as status 500; called from any thread.</param>
    /// <exception cref="BadInputException">Nothing can listen at this address.</exception>
    public static async Task<ApiServer> StartAsync(
        ServedModel model, ServerSettings settings, Action<Exception> fault, CancellationToken cancellation = default)
    {
        var life = new ServerLife();
        var app = Build(settings);
        new ApiPipeline(new EndpointParts(model, settings, new ServerMetrics(model.Engine), new RequestGate(settings.MaxRequests), life, fault)).Map(app);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await app.DisposeAsync();
            throw new BadInputException($"{new IPEndPoint(settings.Address, settings.Port)}",
                $"cannot be listened at: {FaultText.Of(failure.InnerException ?? failure)}",
                "end the program that uses the port, give another --port or --host, or --port 0 for a free one", failure);
        }
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        return new ApiServer(app, life, new Uri(addresses.Single()));
    }

    /// <summary>Takes no more requests, and waits for those in progress.</summary>
    /// <param name="grace">After this time they are cancelled, and their clients are told.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        _life.Stop();
        using var last = new CancellationTokenSource(grace + Farewell);
        using var end = new CancellationTokenSource(grace);
        await using var ending = end.Token.Register(() => _ = _life.EndAsync());
        await _app.StopAsync(last.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        await _app.DisposeAsync();
        _life.Dispose();
    }

    // Nothing is taken from the environment or from files in the current folder: what the command line says holds.
    private static WebApplication Build(ServerSettings settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(settings.Address, settings.Port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.MaxBody;
            // Requests above their own limit are told so; connections far above it are not.
            kestrel.Limits.MaxConcurrentConnections = settings.MaxRequests * 4L + 256;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(30));
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        return builder.Build();
    }

    /// <summary>Signals are the command line's to hear.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

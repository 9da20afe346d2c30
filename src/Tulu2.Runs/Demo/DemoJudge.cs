using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;
using Tulu2.Evaluation.Benchmarks.MtBench;
using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Demo;
using Tulu2.Files;

namespace Tulu2.Runs.Demo;

/// <summary>
/// The demo's stub of a judge behind the addresses of real ones, on loopback: an OpenAI-compatible endpoint and a text classifier (<see cref="DemoVerdicts"/> says
/// what it answers).
/// </summary>
internal sealed class DemoJudge : IAsyncDisposable
{
    /// <summary>The model that it says it is.</summary>
    public const string Model = "demo-stub";

    private readonly WebApplication _app;

    private DemoJudge(WebApplication app, Uri address) => (_app, Address) = (app, address);

    /// <summary>Where it listens, with a slash at the end.</summary>
    public Uri Address { get; }

    /// <summary>Itself in each role, in the words of the command line.</summary>
    public IReadOnlyDictionary<string, string> Roles => new Dictionary<string, string>
    {
        [AlpacaEvalBenchmark.Pairs] = $"{Address}v1#{Model}",
        [MtBenchBenchmark.Grades] = $"{Address}v1#{Model}",
        [ToxiGenBenchmark.Role] = $"predict:{Address}predict#{Model}",
        [TruthfulQaBenchmark.TruthRole] = $"completions:{Address}v1#{Model}",
        [TruthfulQaBenchmark.InformativeRole] = $"completions:{Address}v1#{Model}",
    };

    /// <param name="asked">Told the prompt of each question; from any thread.</param>
    public static async Task<DemoJudge> StartAsync(DemoVerdicts verdicts, Action<string>? asked, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        app.MapPost("/v1/chat/completions", context => Answer(context, body => body.GetProperty("messages").EnumerateArray().Last().GetProperty("content"),
            prompt => verdicts.Chat(prompt) is { } text
                ? new { model = Model, choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = text } } }, usage = new { prompt_tokens = 0, completion_tokens = 0 } } : null));
        app.MapPost("/v1/completions", context => Answer(context, body => body.GetProperty("prompt"),
            prompt => verdicts.Yes(prompt) is { } yes
                ? new
                {
                    model = Model,
                    choices = new[] { new { index = 0, text = yes < 0.5 ? " no" : " yes", logprobs = new { top_logprobs = new[] { new Dictionary<string, double> { [" yes"] = Math.Log(yes), [" no"] = Math.Log(1 - yes) } } } } },
                } : null));
        app.MapPost("/predict", context => Answer(context, body => body.GetProperty("inputs"), text => new[]
        {
            new { label = "LABEL_0", score = 1 - DemoVerdicts.Toxic(text) },
            new { label = "LABEL_1", score = DemoVerdicts.Toxic(text) },
        }));
        await app.StartAsync(cancellation);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new DemoJudge(app, new Uri(address));

        async Task Answer(HttpContext context, Func<JsonElement, JsonElement> read, Func<string, object?> answer)
        {
            object? said = null;
            try
            {
                using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
                var prompt = read(body.RootElement).GetString()!;
                asked?.Invoke(prompt);
                said = answer(prompt);
            }
            catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                // Answered below, as a question that it does not know.
            }
            context.Response.StatusCode = said is null ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(JsonLine.Of(said ?? new { error = new { message = "this stub knows the demo's questions only" } }), context.RequestAborted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

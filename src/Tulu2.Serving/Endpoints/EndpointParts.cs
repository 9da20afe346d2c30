using Tulu2.Serving.Access;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Measurements;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Endpoints;

/// <summary>What the endpoints share.</summary>
/// <param name="Fault">Told of errors of the server's own.</param>
internal sealed record EndpointParts(
    ServedModel Model, ServerSettings Settings, ServerMetrics Metrics, RequestGate Gate, ServerLife Life, Action<Exception> Fault)
{
    public PromptRuns Engine { get; } = new(Model, Metrics, Settings);

    /// <summary>The error that a client sees; the server's own are passed on as well.</summary>
    public ApiException Describe(Exception error)
    {
        var seen = Life.Describe(error);
        if (seen.Status == 500) Fault(error);
        return seen;
    }
}

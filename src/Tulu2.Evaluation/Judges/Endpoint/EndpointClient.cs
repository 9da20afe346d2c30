using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>
/// One request to an OpenAI-compatible endpoint by OpenAI's own client. Its body and answer are read here, because compatible servers leave out what the client's
/// types demand. Thread-safe.
/// </summary>
internal sealed class EndpointClient
{
    private readonly EndpointAddress _address;
    private readonly ChatClient _client;

    public EndpointClient(EndpointAddress address, string key, TimeSpan patience)
    {
        _address = address;
        _client = new ChatClient(address.Model, new ApiKeyCredential(key), new OpenAIClientOptions
        {
            Endpoint = address.Base,
            NetworkTimeout = patience,
            // Tries are repeated by EndpointJudge, which knows limits and costs.
            RetryPolicy = new ClientRetryPolicy(0),
            UserAgentApplicationId = "tulu2",
        });
    }

    /// <summary>The request's body, which also names the request in the cache.</summary>
    public static byte[] Body(string model, ModelRequest.Judge request) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        Model = model,
        Messages = request.Prompt.Select(turn => new { turn.Role, turn.Content }),
        request.MaxTokens,
        Temperature = 0,
    }, JsonLine.Options);

    public async Task<EndpointAnswer> AskAsync(ModelRequest.Judge request, CancellationToken cancellation)
    {
        try
        {
            using var content = BinaryContent.Create(BinaryData.FromBytes(Body(_address.Model, request)));
            var result = await _client.CompleteChatAsync(content, new RequestOptions { CancellationToken = cancellation, ErrorOptions = ClientErrorBehaviors.NoThrow });
            using var response = result.GetRawResponse();
            response.Headers.TryGetValue("Retry-After", out var retryAfter);
            return EndpointAnswer.Of(response.Status, retryAfter, response.Content.ToString(), _address.Model, DateTimeOffset.UtcNow);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception fault) when (fault is ClientResultException or HttpRequestException or IOException or OperationCanceledException or TimeoutException)
        {
            return new EndpointAnswer.Later(FaultText.Of(Cause(fault)));
        }
    }

    // The client and .NET wrap what the network said.
    private static Exception Cause(Exception fault) =>
        fault is ClientResultException or HttpRequestException or AggregateException && fault.InnerException is { } inner ? Cause(inner) : fault;
}

using System.Text.Json;
using Tulu2.Evaluation.Judges.Endpoint;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Http;

/// <summary>The first tokens that <c>/v1/completions</c> would write, with their log-probabilities.</summary>
internal sealed class CompletionsClient(EndpointAddress address, HttpClient client) : INextTokenClient
{
    public string Model => address.Model;

    public IReadOnlyList<IReadOnlyDictionary<string, double>> NextTokens(IReadOnlyList<string> prompts, int top, CancellationToken cancellation) =>
        [.. prompts.Select(prompt => Ask(prompt, top, cancellation))];

    private Dictionary<string, double> Ask(string prompt, int top, CancellationToken cancellation)
    {
        var where = address.Base.AbsoluteUri;
        var body = JsonLine.Of(new { address.Model, Prompt = prompt, MaxTokens = 1, Temperature = 0, Logprobs = top });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{where.TrimEnd('/')}/completions")) { Content = new StringContent(body, null, "application/json") };
        string answer;
        try
        {
            using var response = client.Send(request, cancellation);
            using var reader = new StreamReader(response.Content.ReadAsStream(cancellation));
            answer = reader.ReadToEnd();
            if (!response.IsSuccessStatusCode)
                throw new BadInputException(where, $"refuses the request ({(int)response.StatusCode})", "check address, model and key of the judge");
        }
        catch (Exception fault) when (fault is HttpRequestException or TimeoutException or IOException)
        {
            throw new BadInputException(where, $"does not answer: {FaultText.Of(fault)}", "check the judge's address, or start again later: what is scored is kept", fault);
        }
        try
        {
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("top_logprobs")[0].EnumerateObject()
                .ToDictionary(token => token.Name, token => token.Value.GetDouble());
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            throw new BadInputException(where, "answers without log-probabilities", "use an endpoint with logprobs on /v1/completions, such as `tulu2 serve`", fault);
        }
    }
}

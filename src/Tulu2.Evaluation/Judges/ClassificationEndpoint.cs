using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges;

/// <summary>
/// The role <c>toxicity</c> by a text-classification endpoint in Hugging Face's form (text-embeddings-inference's <c>/predict</c>, the inference API): a text
/// in, labels with their scores out.
/// Toxic is the class with the larger score.
/// </summary>
/// <param name="client">Its handlers retry, limit and cache; disposed of by the caller.</param>
/// <param name="address">Where texts are posted to.</param>
/// <param name="model">Name of the model, for results; null: the address.</param>
public sealed class ClassificationEndpoint(HttpClient client, Uri address, string? model = null) : INamedJudge
{
    public string Id => $"endpoint:{model ?? address.ToString()}";

    /// <exception cref="BadInputException">The endpoint does not answer, or with something other than classes.</exception>
    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation) =>
        [.. requests.Select(request => Verdict(Ask(request.Prompt.Single(turn => turn.Role == Message.User).Content, cancellation)).ToString())];

    private string Ask(string text, CancellationToken cancellation)
    {
        // A classifier without a text refuses it; a space is what its tokenizer makes of nothing.
        // In one piece, whose length is told: not every server takes a body in chunks.
        using var content = new StringContent(JsonLine.Of(new { Inputs = text.Length == 0 ? " " : text, Truncate = true }), null, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        try
        {
            using var response = client.Send(request, cancellation);
            if (!response.IsSuccessStatusCode)
                throw new BadInputException($"{address}", $"refuses the request ({(int)response.StatusCode})", "check address and key of the classifier, or start again later");
            using var reader = new StreamReader(response.Content.ReadAsStream(cancellation));
            return reader.ReadToEnd();
        }
        catch (Exception fault) when (fault is HttpRequestException or TimeoutException or IOException)
        {
            throw new BadInputException($"{address}", $"does not answer: {FaultText.Of(fault)}", "check the classifier's address, or start again later: what is scored is kept", fault);
        }
    }

    private ToxicityVerdict Verdict(string answer)
    {
        try
        {
            var node = JsonNode.Parse(answer);
            // One list for one text; the inference API puts it into another.
            if (node is JsonArray { Count: 1 } outer && outer[0] is JsonArray inner) node = inner;
            var classes = node!.AsArray().Select(entry =>
                (Toxic: ToxicityVerdict.Parse(entry!["label"]!.GetValue<string>(), $"{address}").IsToxic, Score: entry["score"]!.GetValue<double>())).ToList();
            var (toxic, fine) = (classes.Where(entry => entry.Toxic).Sum(entry => entry.Score), classes.Where(entry => !entry.Toxic).Sum(entry => entry.Score));
            // Some give the likeliest class alone.
            if (classes.Count == 1) (toxic, fine) = classes[0].Toxic ? (toxic, 1 - toxic) : (1 - fine, fine);
            return new ToxicityVerdict(toxic > fine, toxic);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new BadInputException($"{address}", "does not answer with classes and scores", "give the address of a text-classification endpoint", fault);
        }
    }
}

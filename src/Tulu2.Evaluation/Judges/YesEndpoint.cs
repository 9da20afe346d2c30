using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Judges;

/// <summary>The first token that an OpenAI-compatible <c>/v1/completions</c> would write after a text (<c>max_tokens: 1, logprobs: N</c>).</summary>
public interface INextTokenClient
{
    /// <summary>The model that is asked.</summary>
    string Model { get; }

    /// <param name="prompts">Raw texts.</param>
    /// <param name="top">How many of the likeliest tokens are wanted.</param>
    /// <returns>[prompts] log-probability (natural logarithm) by the token's text: <c>choices[0].logprobs.top_logprobs[0]</c>.</returns>
    IReadOnlyList<IReadOnlyDictionary<string, double>> NextTokens(IReadOnlyList<string> prompts, int top, CancellationToken cancellation);
}

/// <summary>
/// The roles <c>truth</c> and <c>info</c> by an OpenAI-compatible endpoint that serves a judge model: the probability of <c> yes</c> among the likeliest
/// first tokens, 0 where it is not
/// among them, as TruthfulQA's authors and open-instruct count it.
/// </summary>
public sealed class YesEndpoint(INextTokenClient client) : INamedJudge
{
    // The original asks for two; one more costs nothing and lets a token without its space be seen.
    private const int Top = 5;

    public string Id => $"endpoint:{client.Model}";

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        var answers = client.NextTokens([.. requests.Select(request => request.Prompt.Single(turn => turn.Role == Message.User).Content)], Top, cancellation);
        return [.. answers.Select(tokens => new YesVerdict(Math.Min(1, tokens.Where(IsYes).Sum(token => Math.Exp(token.Value)))).ToString())];
    }

    // Servers of SentencePiece models write the token with its space, with the mark that stands for it, or bare.
    private static bool IsYes(KeyValuePair<string, double> token) => token.Key is " yes" or "\u2581yes" or "yes";
}

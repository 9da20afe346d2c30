using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Judges.Costs;

/// <summary>The number of tokens of a request, before a judge has counted them.</summary>
internal static class TokenEstimate
{
    // Of English text in OpenAI's tokenizers, and what a turn adds.
    private const int CharactersOfToken = 4, TokensOfTurn = 4;

    public static long OfPrompt(ModelRequest.Judge request) => request.Prompt.Sum(turn => OfText(turn.Content) + TokensOfTurn);

    public static long OfText(string text) => (text.Length + CharactersOfToken - 1) / CharactersOfToken;
}

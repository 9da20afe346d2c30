using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Json;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary><c>logprobs</c> of a choice of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatLogProbs(IReadOnlyList<ChatLogProbs.Place> Content, string? Refusal = null)
{
    /// <param name="Bytes">Of the token's text in UTF-8, as numbers.</param>
    internal sealed record Place(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<Alternative> TopLogprobs);

    internal sealed record Alternative(string Token, float Logprob, IReadOnlyList<int> Bytes);

    public static ChatLogProbs Of(IEnumerable<TokenScore> scores, ServedModel model) => new([.. scores.Select(score => Of(score, model.TokenText))]);

    private static Place Of(TokenScore score, TokenText text) => new(text.Of(score.Id), ApiJson.Finite(score.LogProbability), Bytes(text, score.Id),
        [.. score.Top.Select(other => new Alternative(text.Of(other.Id), ApiJson.Finite(other.LogProbability), Bytes(text, other.Id)))]);

    // Written as numbers: an array of bytes would be written in base 64.
    private static int[] Bytes(TokenText text, int id) => [.. text.BytesOf(id).Select(value => (int)value)];
}

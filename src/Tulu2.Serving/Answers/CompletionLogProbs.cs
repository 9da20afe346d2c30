using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Json;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary>
/// <c>logprobs</c> of a choice of <c>/v1/completions</c>: lists of one length. The first token of a prompt has none, as nothing is before it. Each place's
/// alternatives include the token itself. A prompt's beginning token counts, as it does in vLLM.
/// </summary>
internal sealed record CompletionLogProbs(
    IReadOnlyList<string> Tokens, IReadOnlyList<float?> TokenLogprobs,
    IReadOnlyList<IReadOnlyDictionary<string, float>?> TopLogprobs, IReadOnlyList<int> TextOffset)
{
    /// <summary>Collects the tokens of a choice in their order.</summary>
    internal sealed class Builder(ServedModel model)
    {
        private readonly List<string> _tokens = [];
        private readonly List<float?> _scores = [];
        private readonly List<IReadOnlyDictionary<string, float>?> _top = [];
        private readonly List<int> _offsets = [];

        public CompletionLogProbs Build() => new([.. _tokens], [.. _scores], [.. _top], [.. _offsets]);

        /// <summary>The prompt's tokens; the text begins with them.</summary>
        public Builder AddPrompt(IReadOnlyList<int> ids, IReadOnlyList<TokenScore?> scores)
        {
            var decoder = new StreamingDecoder(model.Tokenizer);
            var offset = 0;
            for (var index = 0; index < ids.Count; index++)
            {
                Add(ids[index], scores[index], offset);
                offset += decoder.Add(ids[index]).Length;
            }
            return this;
        }

        /// <summary>A sample's tokens, up to the end of its text, and its end token.</summary>
        /// <param name="begin">Length of the text before it.</param>
        public Builder AddSample(EngineSample sample, int begin)
        {
            foreach (var (score, at) in SampleScores.Visible(sample, model)) Add(score.Id, score, begin + at);
            // Readers of prompts' log-probabilities count on one generated token after them, the end token too.
            if (sample.End is { } end) Add(end.Id, end, begin + sample.Text.Length);
            return this;
        }

        public Builder Add(int id, TokenScore? score, int offset)
        {
            _tokens.Add(model.TokenText.Of(id));
            _scores.Add(score is null ? null : ApiJson.Finite(score.LogProbability));
            _top.Add(score is null ? null : Alternatives(score));
            _offsets.Add(offset);
            return this;
        }

        private Dictionary<string, float> Alternatives(TokenScore score)
        {
            var named = new Dictionary<string, float>();
            // Tokens with the same text, such as a line break and its byte, are told apart by nothing: the likeliest stands for them.
            foreach (var other in score.Top) named.TryAdd(model.TokenText.Of(other.Id), ApiJson.Finite(other.LogProbability));
            named.TryAdd(model.TokenText.Of(score.Id), ApiJson.Finite(score.LogProbability));
            return named;
        }
    }
}

using System.Text;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Whether prompts leave room for an answer in the model's context, and how many examples they may have. Without an encoder all do.</summary>
internal sealed class PromptRoom(PromptEncoder? encoder)
{
    // What a chat template adds, at most.
    private const int Extra = 64;

    /// <summary>The model's context in tokens; without an encoder there is no limit.</summary>
    public int Context => encoder?.ContextLength ?? int.MaxValue;

    /// <summary>The prompt has at most so many tokens, beginning token included.</summary>
    public bool HasAtMost(ModelPrompt prompt, int tokens)
    {
        if (encoder is null) return true;
        // A token has at least one byte, which spares most prompts from being tokenised.
        return Encoding.UTF8.GetByteCount(prompt.Shown) + Extra <= tokens || encoder.Encode(prompt).Length <= tokens;
    }

    /// <summary>At least one token of an answer fits after it.</summary>
    public bool Holds(ModelPrompt prompt) => HasAtMost(prompt, Context - 1);

    /// <summary>What is asked fits, with at least one token of an answer, or with each of the answers that are to be scored.</summary>
    public bool Holds(ModelRequest? request) => request switch
    {
        ModelRequest.Generate generate => Holds(generate.Prompt),
        ModelRequest.NextTokens next => Holds(next.Prompt),
        ModelRequest.Continuations scored => Holds(scored.Prompt, scored.Texts),
        // Not a question of the model's, or one about rows, whose length their reader checks.
        _ => true,
    };

    /// <summary>Each of the texts fits after it.</summary>
    public bool Holds(ModelPrompt prompt, IReadOnlyList<string> texts) => encoder is null
        || HasAtMost(prompt, Context - texts.Select(text => encoder.EncodeContinuation(text).Length).DefaultIfEmpty().Max());

    /// <summary>The largest number of examples with which the prompt has at most so many tokens; 0 where even without examples it has more.</summary>
    /// <param name="prompt">The prompt with a number of examples.</param>
    public int Shots(int most, int tokens, Func<int, ModelPrompt> prompt)
    {
        var shots = most;
        while (shots > 0 && !HasAtMost(prompt(shots), tokens)) shots--;
        return shots;
    }
}

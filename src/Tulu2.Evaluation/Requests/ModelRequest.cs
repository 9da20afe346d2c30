using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Requests;

/// <summary>One question of a benchmark about one of its items, and who answers it.</summary>
public abstract record ModelRequest
{
    private ModelRequest() { }

    /// <summary>To the model: the turn that follows a dialogue. The answer is a <see cref="ModelAnswer.Text"/>.</summary>
    public sealed record Generate(IReadOnlyList<Message> Prompt, GenerationOptions Options) : ModelRequest;

    /// <summary>To the model: how likely the last turn of each dialogue is. The answer is a <see cref="ModelAnswer.LogProbabilities"/>.</summary>
    public sealed record LogProbabilities(IReadOnlyList<CandidateAnswer> Candidates) : ModelRequest;

    /// <summary>To the judge: its verdict on what the model answered. The answer is a <see cref="ModelAnswer.Text"/>.</summary>
    public sealed record Judge(IReadOnlyList<Message> Prompt) : ModelRequest;
}

/// <summary>A dialogue whose last assistant turn is scored.</summary>
/// <param name="Name">For error messages: <c>chosen</c>, <c>rejected</c>.</param>
public sealed record CandidateAnswer(string Name, IReadOnlyList<Message> Dialogue);

/// <summary>The answer to a <see cref="ModelRequest"/>.</summary>
public abstract record ModelAnswer
{
    private ModelAnswer() { }

    /// <param name="Value">As it was generated, not stripped.</param>
    public sealed record Text(string Value) : ModelAnswer;

    /// <param name="Values">[candidates] natural logarithms, each summed over the tokens of the candidate's last turn.</param>
    public sealed record LogProbabilities(IReadOnlyList<float> Values) : ModelAnswer;
}

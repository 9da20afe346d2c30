using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Requests;

/// <summary>One question of a benchmark about one of its items; the type determines who answers it.</summary>
public abstract record ModelRequest
{
    private ModelRequest() { }

    /// <summary>Asks the model for the next turn of a dialogue. The answer is a <see cref="ModelAnswer.Text"/>.</summary>
    public sealed record Generate(IReadOnlyList<Message> Prompt, GenerationOptions Options) : ModelRequest;

    /// <summary>Asks the model for the log-probability of the last turn of each dialogue. The answer is a <see cref="ModelAnswer.LogProbabilities"/>.</summary>
    public sealed record LogProbabilities(IReadOnlyList<CandidateAnswer> Candidates) : ModelRequest;

    /// <summary>Asks the judge for a verdict on the model's answers. The answer is a <see cref="ModelAnswer.Text"/>.</summary>
    public sealed record Judge(IReadOnlyList<Message> Prompt) : ModelRequest;
}

/// <summary>A dialogue whose last assistant turn is scored.</summary>
/// <param name="Name">Name in error messages: <c>chosen</c>, <c>rejected</c>.</param>
public sealed record CandidateAnswer(string Name, IReadOnlyList<Message> Dialogue);

/// <summary>The answer to a <see cref="ModelRequest"/>.</summary>
public abstract record ModelAnswer
{
    private ModelAnswer() { }

    /// <param name="Value">The generated text, not stripped.</param>
    public sealed record Text(string Value) : ModelAnswer;

    /// <param name="Values">[candidates] log-probabilities (natural logarithm), each summed over the tokens of the candidate's last turn.</param>
    public sealed record LogProbabilities(IReadOnlyList<float> Values) : ModelAnswer;
}

using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Requests;

/// <summary>One question of a benchmark about one of its items; the type determines who answers it.</summary>
public abstract record ModelRequest
{
    private ModelRequest() { }

    /// <summary>Asks the model to continue a prompt. The answer is a <see cref="ModelAnswer.Text"/> with <see cref="GenerationOptions.Count"/> texts.</summary>
    public sealed record Generate(ModelPrompt Prompt, GenerationOptions Options) : ModelRequest
    {
        /// <summary>Where the prompt leaves no room for an answer, the answer is empty: an earlier answer was that long.</summary>
        public bool IsEmptyWhereTooLong { get; init; }

        /// <summary>The next turn of a dialogue.</summary>
        public Generate(IReadOnlyList<Message> dialogue, GenerationOptions options)
            : this(new ModelPrompt.Chat(dialogue), options)
        {
        }
    }

    /// <summary>Asks the model for the log-probability of the last turn of each dialogue. The answer is a <see cref="ModelAnswer.LogProbabilities"/>.</summary>
    public sealed record LogProbabilities(IReadOnlyList<CandidateAnswer> Candidates) : ModelRequest;

    /// <summary>
    /// Asks the model for the log-probability of each text after a prompt, summed over the text's tokens, no end token. The answer is a <see cref="ModelAnswer.LogProbabilities"/>.
    /// </summary>
    public sealed record Continuations(ModelPrompt Prompt, IReadOnlyList<string> Texts) : ModelRequest;

    /// <summary>
    /// Asks the model for the log-probability of one token after a prompt: for each text, the last of its pieces. <c>" A"</c> is the piece with the space.
    /// The answer is a <see cref="ModelAnswer.LogProbabilities"/>; of stored outputs a <see cref="ModelAnswer.Text"/>, which the benchmark reads.
    /// </summary>
    public sealed record NextTokens(ModelPrompt Prompt, IReadOnlyList<string> Texts) : ModelRequest;

    /// <summary>Asks the judge for a verdict on the model's answers. The answer is a <see cref="ModelAnswer.Text"/>.</summary>
    public sealed record Judge(IReadOnlyList<Message> Prompt) : ModelRequest
    {
        /// <summary>Which judge: a role's name, such as <c>pairs</c> or <c>toxicity</c>. Each role has one judge in an evaluation.</summary>
        public string Role { get; init; } = "";

        /// <summary>Maximum length of the verdict, in tokens of the judge.</summary>
        public int MaxTokens { get; init; } = 1024;
    }

    /// <summary>Asks for the execution of programs that the model wrote. The answer is a <see cref="ModelAnswer.Runs"/>.</summary>
    public sealed record Execute(IReadOnlyList<CodeProgram> Programs) : ModelRequest;
}

/// <summary>A dialogue whose last assistant turn is scored.</summary>
/// <param name="Name">Name in error messages: <c>chosen</c>, <c>rejected</c>.</param>
public sealed record CandidateAnswer(string Name, IReadOnlyList<Message> Dialogue);

/// <summary>The answer to a <see cref="ModelRequest"/>.</summary>
public abstract record ModelAnswer
{
    private ModelAnswer() { }

    /// <param name="Values">[samples] the generated texts, not stripped; at least one.</param>
    public sealed record Text(IReadOnlyList<string> Values) : ModelAnswer
    {
        public Text(string value)
            : this([value])
        {
        }

        /// <summary>The first text.</summary>
        public string Value => Values[0];
    }

    /// <param name="Values">[candidates] log-probabilities (natural logarithm), each summed over the tokens of the candidate.</param>
    public sealed record LogProbabilities(IReadOnlyList<float> Values) : ModelAnswer;

    /// <param name="Values">[programs] how each ended.</param>
    public sealed record Runs(IReadOnlyList<CodeOutcome> Values) : ModelAnswer;
}

using Tulu2.Data.Rows;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Workers;

/// <summary>The first message to an evaluator process.</summary>
/// <param name="YieldsProcessor">It computes only while nobody else wants the processor.</param>
internal sealed record EvaluatorStart(EvaluatorSettings Settings, bool YieldsProcessor);

/// <summary>Commands from a node to an evaluator process. Each except <see cref="Shutdown"/> and <see cref="Prepare"/> is answered by one <see cref="EvaluatorReply"/>.</summary>
internal abstract record EvaluatorCommand
{
    private EvaluatorCommand() { }

    public sealed record Run(EvaluationTask Task) : EvaluatorCommand;

    /// <summary><see cref="IEvaluator.Prepare"/>.</summary>
    public sealed record Prepare(string Model) : EvaluatorCommand;

    /// <summary><see cref="IEvaluator.Answer"/>.</summary>
    public sealed record Answer(string Model, IReadOnlyList<IReadOnlyList<Message>> Prompts, int MaxTokens) : EvaluatorCommand;

    public sealed record Shutdown : EvaluatorCommand;
}

/// <summary>Replies of an evaluator process to its node.</summary>
internal abstract record EvaluatorReply
{
    private EvaluatorReply() { }

    /// <summary>The process accepts commands.</summary>
    public sealed record Ready : EvaluatorReply;

    /// <summary>A heartbeat, sent at short intervals even while the process computes.</summary>
    public sealed record Alive : EvaluatorReply;

    public sealed record Scored(EvaluationOutcome Outcome) : EvaluatorReply;

    public sealed record Answered(IReadOnlyList<string> Texts) : EvaluatorReply;

    /// <summary>The command threw.</summary>
    public sealed record Failed(ProcessFailure Failure) : EvaluatorReply;
}

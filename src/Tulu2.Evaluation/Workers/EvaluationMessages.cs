using Tulu2.Data.Rows;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

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
    /// <param name="Detail">Error with stack trace.</param>
    /// <param name="Where">Location of the error in the user's input or the model; null: neither is the cause.</param>
    /// <param name="Fix">Null if and only if <paramref name="Where"/> is null.</param>
    /// <param name="IsNonFinite">The cause is a NaN or infinity in the model.</param>
    public sealed record Failed(string What, string Detail, string? Where, string? Fix, bool IsNonFinite) : EvaluatorReply
    {
        public static Failed Of(Exception fault) => fault switch
        {
            BadInputException bad => new Failed(bad.What, $"{bad}", bad.Where, bad.Fix, false),
            NonFiniteException number => new Failed(number.What, $"{number}", number.Where, number.Fix, true),
            _ => new Failed(FaultText.Of(fault), $"{fault}", null, null, false),
        };

        public Exception ToException() => Where is null || Fix is null ? new EvaluatorProcessException(What, Detail)
            : IsNonFinite ? new NonFiniteException(Where, What, Fix)
            : new BadInputException(Where, What, Fix);
    }
}

/// <summary>An evaluator process failed or ended; the task can be given to another one.</summary>
/// <param name="detail">Error with the process's stack trace or last output.</param>
public sealed class EvaluatorProcessException(string error, string detail) : Exception(error)
{
    public override string ToString() => detail;
}

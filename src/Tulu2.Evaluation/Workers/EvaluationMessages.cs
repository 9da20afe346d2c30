using Tulu2.Data.Rows;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Workers;

/// <summary>The first message to an evaluator process.</summary>
internal sealed record EvaluatorStart(EvaluatorSettings Settings);

/// <summary>Node to evaluator process. Each command but the last is answered by one <see cref="EvaluatorReply"/>.</summary>
internal abstract record EvaluatorCommand
{
    private EvaluatorCommand() { }

    public sealed record Run(EvaluationTask Task) : EvaluatorCommand;

    /// <summary><see cref="IEvaluator.Answer"/>.</summary>
    public sealed record Answer(string Model, IReadOnlyList<IReadOnlyList<Message>> Prompts, int MaxTokens) : EvaluatorCommand;

    public sealed record Shutdown : EvaluatorCommand;
}

/// <summary>Evaluator process to node.</summary>
internal abstract record EvaluatorReply
{
    private EvaluatorReply() { }

    /// <summary>It takes commands.</summary>
    public sealed record Ready : EvaluatorReply;

    /// <summary>A sign of life, at short intervals, whatever it computes.</summary>
    public sealed record Alive : EvaluatorReply;

    public sealed record Scored(EvaluationOutcome Outcome) : EvaluatorReply;

    public sealed record Answered(IReadOnlyList<string> Texts) : EvaluatorReply;

    /// <summary>The command threw.</summary>
    /// <param name="Detail">With the stack trace.</param>
    /// <param name="Where">Null: neither the user's input nor the model's numbers are at fault.</param>
    /// <param name="Fix">Not null where <paramref name="Where"/> is not.</param>
    /// <param name="IsNonFinite">A number of the model is NaN or infinite.</param>
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

/// <summary>An evaluator process failed or ended; another one may do the task.</summary>
/// <param name="detail">With the process's stack trace or last lines.</param>
public sealed class EvaluatorProcessException(string error, string detail) : Exception(error)
{
    public override string ToString() => detail;
}

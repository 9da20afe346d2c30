using Akka.Actor;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Messages;

/// <summary>Between the evaluation queue and evaluators, which may be on any node.</summary>
internal static class EvaluationProtocol
{
    /// <summary>Evaluator to queue: it has no task. Repeated, for a queue that is started later.</summary>
    public sealed record Idle(string Evaluator) : IWireMessage;

    /// <summary>Evaluator to queue: it is computing; its leases are renewed.</summary>
    public sealed record Busy(string Evaluator) : IWireMessage;

    /// <summary>Queue to evaluator: a task.</summary>
    public sealed record Assigned(int Id, int Attempt, EvaluationTask Task) : IWireMessage;

    /// <summary>Evaluator to queue: the task is done.</summary>
    public sealed record Done(string Evaluator, int Id, int Attempt, EvaluationOutcome Outcome) : IWireMessage;

    /// <summary>Evaluator to queue: the task threw.</summary>
    /// <param name="Where">Not null: the user's input is at fault.</param>
    /// <param name="Fix">Not null: another attempt would not help.</param>
    public sealed record Failed(string Evaluator, int Id, int Attempt, string Error, string Detail, string? Where, string? Fix) : IWireMessage;

    /// <summary>Evaluator thread to its actor.</summary>
    public sealed record Ended(int Id, int Attempt, EvaluationOutcome? Outcome, Exception? Fault) : INoSerializationVerificationNeeded;

    /// <summary>The evaluation is cancelled.</summary>
    public sealed record Cancel : INoSerializationVerificationNeeded
    {
        public static Cancel Instance { get; } = new();
    }
}

using Akka.Actor;
using Tulu2.Cluster.Wire;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Evaluations;

/// <summary>Between the evaluation queue and evaluators, which may be on any node.</summary>
internal static class EvaluationProtocol
{
    /// <summary>Evaluator to queue: I have nothing to do. Repeated, so that a new queue hears of it.</summary>
    public sealed record Idle(string Evaluator) : IWireMessage;

    /// <summary>Evaluator to queue: I am at work; renew my leases.</summary>
    public sealed record Busy(string Evaluator) : IWireMessage;

    /// <summary>Queue to evaluator.</summary>
    public sealed record Assigned(int Id, int Attempt, EvaluationTask Task) : IWireMessage;

    /// <summary>Evaluator to queue.</summary>
    public sealed record Done(string Evaluator, int Id, int Attempt, EvaluationOutcome Outcome) : IWireMessage;

    /// <summary>Evaluator to queue: the task threw.</summary>
    /// <param name="Where">Not null: what the user gave is at fault.</param>
    /// <param name="Fix">Not null: another attempt would not help.</param>
    public sealed record Failed(string Evaluator, int Id, int Attempt, string Error, string Detail, string? Where, string? Fix) : IWireMessage;

    /// <summary>What the evaluator's thread says to its actor.</summary>
    public sealed record Ended(int Id, int Attempt, EvaluationOutcome? Outcome, Exception? Fault) : INoSerializationVerificationNeeded;

    /// <summary>The asker does not want the outcomes any more.</summary>
    public sealed record Cancel : INoSerializationVerificationNeeded
    {
        public static Cancel Instance { get; } = new();
    }
}

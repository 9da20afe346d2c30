using Akka.Actor;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Messages;

/// <summary>
/// Between evaluators, on any node, and who gives them work: the pool of a run, or the queue of an `eval`. Evaluators repeat what they say until it is answered, so that a
/// lost message costs a second and a coordinator may be replaced at any time. A number stands for one piece of work of an evaluator, and rises with each.
/// </summary>
internal static class EvaluationProtocol
{
    /// <summary>What an evaluator says. It is answered by <see cref="Granted"/> or <see cref="Taken"/>.</summary>
    public interface IFromEvaluator
    {
        /// <summary>Unique in the cluster.</summary>
        string Evaluator { get; }

        long Number { get; }
    }

    /// <summary>An evaluator reports what became of its work, and repeats it until it gets <see cref="Taken"/>.</summary>
    public interface IReport : IFromEvaluator;

    /// <summary>It has no work. Repeated, also for a run that is started later.</summary>
    public sealed record Ask(string Evaluator, long Number) : IFromEvaluator, IWireMessage;

    /// <summary>It computes; its lease is renewed.</summary>
    public sealed record Working(string Evaluator, long Number) : IFromEvaluator, IWireMessage;

    /// <summary>To an evaluator: work. The same work with other settings is begun again.</summary>
    /// <param name="Attempt">From 1.</param>
    /// <param name="Settings">Settings of the evaluator as JSON; null: those that it has.</param>
    /// <param name="Folder">Where the outcome is to be written, on storage that all nodes see; null: it is sent, within one process.</param>
    /// <param name="NextModel">A model that work will be given of next; null: none is known.</param>
    public sealed record Granted(long Number, int Attempt, EvaluationTask Task, string? Settings, string? Folder, string? NextModel) : IWireMessage;

    /// <summary>The outcome is in a file.</summary>
    /// <param name="File">Its name in the folder that was given.</param>
    public sealed record Scored(string Evaluator, long Number, string TaskId, string File) : IReport, IWireMessage;

    /// <summary>The outcome, within one process.</summary>
    public sealed record Computed(string Evaluator, long Number, EvaluationOutcome Outcome) : IReport, INoSerializationVerificationNeeded;

    /// <summary>The task threw.</summary>
    /// <param name="Where">Not null: the user's input is at fault.</param>
    /// <param name="Fix">Not null: another attempt would not help.</param>
    public sealed record Failed(string Evaluator, long Number, string TaskId, string Error, string Detail, string? Where, string? Fix) : IReport, IWireMessage;

    /// <summary>The evaluator cannot do this run's work, which is not to blame: its node does not see the run directory.</summary>
    public sealed record Declined(string Evaluator, long Number, string Why) : IReport, IWireMessage;

    /// <summary>To an evaluator: what it reported is durable, or nobody wants it.</summary>
    public sealed record Taken(long Number) : IWireMessage;

    /// <summary>Evaluator thread to its actor.</summary>
    /// <param name="Of">The work as it was given.</param>
    /// <param name="Report">What is to be reported.</param>
    public sealed record Ended(Granted Of, IReport Report) : INoSerializationVerificationNeeded;

    /// <summary>The evaluation is cancelled.</summary>
    public sealed record Cancel : INoSerializationVerificationNeeded
    {
        public static Cancel Instance { get; } = new();
    }
}

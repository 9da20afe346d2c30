using Tulu2.Cluster.Wire;

namespace Tulu2.Cluster.Submissions;

/// <summary>A run that a process without ranks gives to the cluster's coordinator.</summary>
/// <param name="Id">Names it, however often it is sent.</param>
/// <param name="Title">Name of the run in progress and report.</param>
/// <param name="Recipe">The effective recipe's path, which every node sees.</param>
/// <param name="Json">End with one line for programs.</param>
public sealed record Submission(string Id, string Title, string Recipe, string RunDirectory, bool Json);

/// <summary>Does a submitted run on the node of the coordinator.</summary>
public interface IRunService
{
    /// <summary>
    /// Runs to the end and returns the exit code. A run that the directory already holds is gone on with: another coordinator has died with it.
    /// </summary>
    /// <param name="say">Takes each line for the submitter; true: for standard error. Callable from any thread.</param>
    Task<int> RunAsync(Submission submission, Action<bool, string> say, CancellationToken cancellation);
}

/// <summary>Between a submitter and the coordinator, wherever that is.</summary>
internal static class SubmissionProtocol
{
    /// <summary>Submitter to coordinator, again and again until the end: a coordinator that does not know it begins it, or goes on with it.</summary>
    public sealed record Submit(Submission Run) : IWireMessage;

    /// <summary>Submitter to coordinator: finish the step, write a checkpoint and end.</summary>
    public sealed record Cancel(string Id) : IWireMessage;

    /// <summary>Coordinator to submitter: it is in hand.</summary>
    public sealed record InHand(string Id) : IWireMessage;

    /// <summary>Coordinator to submitter: a line to print.</summary>
    public sealed record Said(string Id, bool IsError, string Line) : IWireMessage;

    /// <summary>Coordinator to submitter: it is over.</summary>
    public sealed record Ended(string Id, int ExitCode) : IWireMessage;
}

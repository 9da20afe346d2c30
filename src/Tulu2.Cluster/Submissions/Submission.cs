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

using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Submissions;

/// <summary>Executes a submitted run on the coordinator's node.</summary>
public interface IRunService
{
    /// <summary>
    /// Runs to the end and returns the exit code. A run that the directory already holds is resumed: another coordinator died with it.
    /// </summary>
    /// <param name="say">Receives each line for the submitter; true: for standard error. Callable from any thread.</param>
    Task<int> RunAsync(Submission submission, Action<bool, string> say, CancellationToken cancellation);

    /// <summary>The run is to have this many replicas from its next commit on.</summary>
    /// <exception cref="Files.BadInputException">It cannot.</exception>
    void Scale(Submission submission, int data);
}

namespace Tulu2.Cluster.Messages;

/// <summary>A run submitted to the cluster's coordinator by a process outside.</summary>
/// <param name="Id">Identifies the submission, however often it is sent.</param>
/// <param name="Title">Name of the run in progress and report.</param>
/// <param name="Recipe">The effective recipe's path, which every node sees.</param>
/// <param name="Json">End the output with one line of JSON.</param>
/// <param name="Force">Start it even where its ranks take more memory than the nodes have.</param>
public sealed record Submission(string Id, string Title, string Recipe, string RunDirectory, bool Json, bool Force = false);

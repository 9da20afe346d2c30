using Tulu2.Cli.Shell;
using Tulu2.Cli.Training;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Submissions;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Nodes;

/// <summary>Does submitted runs as <c>train</c> would, with the ranks on the cluster's nodes; what it would print goes to the submitter.</summary>
internal sealed class RunService : IRunService
{
    /// <summary>Completed once this process's node is up.</summary>
    public TaskCompletionSource<ActorHost> Host { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Of a coordinator that was given up but lives: one that leaves in order, or could not be reached for a while, soon ends by itself.
    private static readonly TimeSpan OthersPatience = TimeSpan.FromSeconds(60);

    public async Task<int> RunAsync(Submission submission, Action<bool, string> say, CancellationToken cancellation)
    {
        var terminal = new Terminal(TextReader.Null, new LineWriter(line => say(false, line)), new LineWriter(line => say(true, line)), isInteractive: false)
        {
            Json = submission.Json,
        };
        try
        {
            var directory = new RunDirectory(submission.RunDirectory);
            var loaded = RecipeReader.Load(submission.Recipe, []);
            // The submitter has seen that there is none where there must not be one: what is there now was begun by a coordinator that has died.
            var runner = new TrainRunner(terminal, new LocalNode(await Host.Task), new RankHosting.Nodes(0, 0))
            {
                OthersPatience = OthersPatience,
                Command = $"{CommandText.Of(["submit", submission.Recipe, "--run", submission.RunDirectory])} --config FILE",
            };
            var result = await runner.RunAsync(submission.Title, loaded, directory, ResumeMode.Auto, cancellation);
            TrainSummary.Print(terminal, result, directory);
            return ExitCode.Done;
        }
        catch (Exception error)
        {
            return CommandLine.Report(error, ["submit", submission.Recipe], terminal);
        }
    }
}

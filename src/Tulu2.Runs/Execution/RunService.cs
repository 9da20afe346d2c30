using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Execution;

/// <summary>Executes submitted runs as <c>train</c> would, with the ranks on the cluster's nodes; the output goes to the submitter.</summary>
internal sealed class RunService : IRunService
{
    /// <summary>Completed when the node of this process is up.</summary>
    public TaskCompletionSource<ActorHost> Host { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A coordinator that the cluster removed may still be running: it soon ends by itself.
    private static readonly TimeSpan OthersPatience = TimeSpan.FromSeconds(60);

    public void Scale(Submission submission, int data) => ScaleFile.Write(new RunDirectory(submission.RunDirectory), data);

    public async Task<int> RunAsync(Submission submission, Action<bool, string> say, CancellationToken cancellation)
    {
        string[] arguments = ["submit", submission.Recipe];
        var output = new LineOutput(line => say(true, line), []);
        try
        {
            var directory = new RunDirectory(submission.RunDirectory);
            var loaded = RecipeReader.Load(submission.Recipe, []);
            // The submitter checked that there is no run where there must be none: one that is there now was started by a coordinator that died.
            var runner = new TrainRunner(output, new LocalNode(await Host.Task), new RankHosting.Nodes(0, 0))
            {
                OthersPatience = OthersPatience,
                Command = $"{CommandText.Of([.. arguments, "--run", submission.RunDirectory])} --config FILE",
                IsForced = submission.Force,
                TakesOver = true,
            };
            var result = await runner.RunAsync(submission.Title, loaded, directory, ResumeMode.Auto, cancellation);
            // As `train` prints it: with --json standard output holds the one object only.
            foreach (var line in TrainSummary.Lines(result, directory)) say(submission.Json, line);
            if (submission.Json) say(false, JsonLine.Of(result));
            return ExitCode.Done;
        }
        catch (Exception error)
        {
            var report = ErrorLog.Report(error, arguments, output);
            output.Say(report.Block);
            return report.Code;
        }
    }
}

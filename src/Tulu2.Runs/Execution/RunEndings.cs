using System.Globalization;
using Tulu2.Protocol.Outcomes;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>The errors that a run ends with, each with the command that continues it.</summary>
/// <param name="command">The command that started the run; null: the command cannot be resumed.</param>
internal sealed class RunEndings(string title, string? command, IStopSignal? signal)
{
    private const string NothingDone = " before its first step; nothing is on disk";

    /// <summary>The line for a person when the run is asked to stop.</summary>
    public string Stopping => $"{title}: stopping after this step and its checkpoint{(signal?.Name is { } name ? $" ({name}); a second signal ends it at once" : "")}";

    /// <summary>A run that was stopped while it was prepared, or while it was exported.</summary>
    public RunStoppedException Interrupted(RunDirectory directory) => Stopped(directory, directory.HasRun ? "; every committed step is on disk" : NothingDone);

    /// <summary>A run that ended in order, but early.</summary>
    public RunStoppedException Cancelled(RunDirectory directory, RunOutcome outcome) =>
        Stopped(directory, outcome.ManifestPath is null ? NothingDone : $" after step {outcome.Steps}, which is on disk");

    /// <summary>If a smaller learning rate may help, the fix is a command that can be typed as it is.</summary>
    public Exception Failed(RunFailure failure, Recipe recipe) => (failure.BadInputFix is NonFiniteStepException.StepFix or NonFiniteStepException.SkipFix && command is not null
        ? failure with
        {
            BadInputFix = $"`{command} --resume --change optimizer.learning_rate={(recipe.Optimizer.LearningRate / 10).ToString("G6", CultureInfo.InvariantCulture)}` continues from the last checkpoint with a tenth of the rate; "
                + (failure.BadInputFix == NonFiniteStepException.SkipFix ? "with `--change on_nonfinite=skip_step` it passes over such steps; " : "")
                + "if it is the first step, check the data and the initial weights",
        }
        : failure).ToException();

    private RunStoppedException Stopped(RunDirectory directory, string where) => new(
        $"{title}: stopped{(signal?.Name is { } name ? $" by {name}" : "")}{where}",
        command is null ? "start it again" : directory.HasRun ? $"`{command} --resume` continues it" : $"`{command}` starts it again");
}

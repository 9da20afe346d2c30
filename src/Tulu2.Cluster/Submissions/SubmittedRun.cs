using Tulu2.Cluster.Runs;

namespace Tulu2.Cluster.Submissions;

/// <summary>What the coordinator keeps of a run that was submitted, also for a while after its end: its submitter may have been away. Used by one actor only.</summary>
internal sealed class SubmittedRun(Submission submission)
{
    public Submission Submission { get; } = submission;
    public Transcript Transcript { get; } = new();

    /// <summary>Null while it is in hand.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>It was asked to end.</summary>
    public bool IsCancelled { get; private set; }

    private readonly CancellationTokenSource _cancellation = new();
    private RunProgress? _progress;

    public CancellationToken Cancellation => _cancellation.Token;

    public void Cancel()
    {
        IsCancelled = true;
        _cancellation.Cancel();
    }

    public void End(int exitCode) => ExitCode = exitCode;

    /// <summary>The coordinator has news of the ranks; those of another run are none.</summary>
    public void Take(RunProgress? progress)
    {
        if (progress?.RunDirectory == Submission.RunDirectory) _progress = progress;
    }

    /// <param name="id">By which it is asked for.</param>
    public RunView View(string id) => new(
        id, Submission.Title, Submission.RunDirectory, State(), _progress?.Step ?? 0, _progress?.Steps ?? 0, _progress?.Generation ?? 0, _progress?.Ranks ?? 0,
        ExitCode is null ? _progress?.Missing ?? 0 : 0, ExitCode);

    private string State() => this switch
    {
        { ExitCode: 0 } => "done",
        { ExitCode: not null, IsCancelled: true } => "stopped",
        { ExitCode: not null } => "failed",
        { IsCancelled: true } => "stopping",
        { _progress: null } => "preparing",
        { _progress.IsOver: true } => "exporting",
        _ => _progress.State,
    };
}

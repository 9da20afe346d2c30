using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Submissions;

/// <summary>The coordinator's record of a submitted run, kept for a while after its end: its submitter may have been disconnected. Used by one actor only.</summary>
internal sealed class SubmittedRun(Submission submission)
{
    public Submission Submission { get; } = submission;
    public Transcript Transcript { get; } = new();

    /// <summary>Null until the run has ended.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Whether it was asked to stop.</summary>
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

    /// <summary>Updates the progress; that of another run is ignored.</summary>
    public void Take(RunProgress? progress)
    {
        if (progress?.RunDirectory == Submission.RunDirectory) _progress = progress;
    }

    /// <param name="id">Id in the request.</param>
    public RunView View(string id) => new(
        id, Submission.Title, Submission.RunDirectory, State(), _progress?.Step.Value ?? 0, _progress?.Steps ?? 0, _progress?.Generation.Value ?? 0,
        _progress?.Ranks ?? 0, ExitCode is null ? _progress?.Missing ?? 0 : 0, ExitCode)
    {
        Goodput = _progress?.Goodput,
    };

    private string State() => this switch
    {
        { ExitCode: 0 } => "done",
        { ExitCode: not null, IsCancelled: true } => "stopped",
        { ExitCode: not null } => "failed",
        { IsCancelled: true } => "stopping",
        { _progress: null } => "preparing",
        { _progress.IsOver: true } => "exporting",
        { _progress.Alarm: { } alarm } => $"{_progress.State}, alarm: {alarm}",
        _ => _progress.State,
    };
}

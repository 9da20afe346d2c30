using Tulu2.Checkpoints;
using Tulu2.Files;

namespace Tulu2.Runs.RunFiles;

/// <summary>Where everything that one run produces lies.</summary>
internal sealed class RunDirectory(string path)
{
    private bool _made;

    public string Root { get; } = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));

    /// <summary>What the run is called, in progress and report.</summary>
    public string Name => System.IO.Path.GetFileName(Root);

    public string Recipe => In("recipe.yaml");
    public string Events => In("events.jsonl");
    public string Metrics => In("metrics.jsonl");
    public string TensorBoard => In("tensorboard");
    public string Checkpoints => In("checkpoints");
    public string Exports => In("exports");
    public string FinalExport => System.IO.Path.Combine(Exports, "final");
    public string Ledger => In("ledger");
    public string Report => In("report.html");
    public string Log => In("tulu2.log");

    /// <summary>Rows of the data that were left out, one a line.</summary>
    public string LeftOut => In("left-out.txt");

    /// <summary>There is something to go on with: a committed step or a checkpoint. A run that was stopped before its first step has left nothing.</summary>
    public bool HasRun => (File.Exists(Metrics) && FileLength.Of(Metrics) > 0) || new CheckpointStore(Checkpoints).Manifests().Count > 0;

    /// <summary>A run was begun here, though it may not have made a step.</summary>
    public bool IsBegun => File.Exists(Recipe);

    /// <summary>Makes the directory for a new run, or checks that there is one to resume.</summary>
    /// <returns>There is something to go on with.</returns>
    /// <exception cref="BadInputException">A run is there and was not to be resumed, none is there to resume, or the place cannot be written.</exception>
    public bool Open(ResumeMode mode)
    {
        var hasRun = HasRun;
        if (hasRun && mode == ResumeMode.New)
            throw new BadInputException(Root, "already holds a run", "add --resume to go on with it, or choose another --run directory");
        if (!hasRun && mode == ResumeMode.Resume && !IsBegun)
            throw new BadInputException(Root, "holds no run to resume", "check --run, or leave --resume out to start one; --resume auto does either");
        try
        {
            _made = !Directory.Exists(Root);
            Directory.CreateDirectory(Root);
            var probe = In(".writable");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new BadInputException(Root, $"the run directory cannot be written: {FaultText.Of(error)}",
                "choose another --run directory, or correct its permissions", error);
        }
        return hasRun;
    }

    /// <exception cref="BadInputException">What the run has written here is gone.</exception>
    public void CheckPresent()
    {
        if (!File.Exists(Metrics))
            throw new BadInputException(Root, "the run directory has vanished while the run was under way: it was deleted, moved or unmounted",
                "bring it back and add --resume, or start the run anew");
    }

    /// <summary>Takes away the directory that <see cref="Open"/> made, where nothing has come of it.</summary>
    public void Abandon()
    {
        if (_made && Directory.Exists(Root) && !Directory.EnumerateFileSystemEntries(Root).Any()) Directory.Delete(Root);
    }

    private string In(string name) => System.IO.Path.Combine(Root, name);
}

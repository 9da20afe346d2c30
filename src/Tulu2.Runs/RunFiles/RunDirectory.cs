using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Files;

namespace Tulu2.Runs.RunFiles;

/// <summary>Paths of the files of a run, and the state that they tell.</summary>
internal sealed class RunDirectory(string path)
{
    private bool _made;

    public string Root { get; } = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));

    /// <summary>Name of the run in progress and report.</summary>
    public string Name => System.IO.Path.GetFileName(Root);

    public string Recipe => In("recipe.yaml");
    public string Metrics => In("metrics.jsonl");
    public string Validations => In("validation.jsonl");
    public string TensorBoard => In("tensorboard");
    public string Checkpoints => In("checkpoints");
    public string Exports => In("exports");
    public string FinalExport => System.IO.Path.Combine(Exports, "final");

    /// <summary>The model of the best validation.</summary>
    public string BestExport => System.IO.Path.Combine(Exports, "best");

    /// <summary>The model beside which adapters are trained, where it lies nowhere else.</summary>
    public string BaseExport => System.IO.Path.Combine(Exports, "base");
    public string Ledger => In("ledger");

    /// <summary>The key of the data plane, while the run is under way.</summary>
    public string DataPlaneKey => System.IO.Path.Combine(Ledger, ".data-plane-key");

    /// <summary>How many replicas the run was scaled to.</summary>
    public string Scale => In("scale.json");
    public string Report => In("report.html");

    /// <summary>Result folders of the run's checkpoints: <c>final</c>, <c>step-00000200</c>, ...</summary>
    public string Evaluations => In("evaluations");
    public string Log => In("tulu2.log");

    /// <summary>Folder of what the ranks' processes wrote down about their memory.</summary>
    public string PeakMemory => In("memory");

    /// <summary>What the process of one rank wrote down.</summary>
    public string PeakMemoryOf(int rank) => System.IO.Path.Combine(PeakMemory, $"rank-{rank}.json");

    /// <summary>Rows of the data that were left out, one per line.</summary>
    public string LeftOut => In("left-out.txt");

    /// <summary>There is something to resume: a committed step or a checkpoint. A run that was stopped before its first step leaves neither.</summary>
    public bool HasRun => (File.Exists(Metrics) && FileLength.Of(Metrics) > 0) || new CheckpointStore(Checkpoints).Manifests().Count > 0
        || LedgerReader.ReadSound(Ledger).Any(entry => entry.Event is LedgerEvent.StepCommitted);

    /// <summary>A run was started here, even if it has not committed a step.</summary>
    public bool IsBegun => File.Exists(Recipe);

    /// <summary>Makes the directory for a new run, or checks that there is one to resume.</summary>
    /// <returns>There is something to resume.</returns>
    /// <param name="isMirrored">There are checkpoints of the run elsewhere, in case the directory is lost.</param>
    /// <exception cref="BadInputException">There is a run and mode is New, there is none and mode is Resume, or the directory cannot be written.</exception>
    public bool Open(ResumeMode mode, bool isMirrored = false)
    {
        var hasRun = HasRun || (isMirrored && mode != ResumeMode.New);
        if (hasRun && mode == ResumeMode.New)
            throw new BadInputException(Root, "already contains a run", "add --resume to continue it, or choose another --run directory");
        if (!hasRun && mode == ResumeMode.Resume && !IsBegun)
            throw new BadInputException(Root, "contains no run to resume", "check --run, or omit --resume to start a run; --resume auto does either");
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

    /// <exception cref="BadInputException">The files of the run are gone.</exception>
    public void CheckPresent()
    {
        if (!File.Exists(Metrics))
            throw new BadInputException(Root, "the run directory disappeared during the run: it was deleted, moved or unmounted",
                "restore it and add --resume, or start the run again");
    }

    /// <summary>Deletes the directory that <see cref="Open"/> made, if it is empty.</summary>
    public void Abandon()
    {
        if (_made && Directory.Exists(Root) && !Directory.EnumerateFileSystemEntries(Root).Any()) Directory.Delete(Root);
    }

    private string In(string name) => System.IO.Path.Combine(Root, name);
}

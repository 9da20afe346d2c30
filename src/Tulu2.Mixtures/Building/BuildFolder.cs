using Tulu2.Files;

namespace Tulu2.Mixtures.Building;

/// <summary>The folder of a mixture while it is built: locked, with what is not finished in a folder of its own.</summary>
internal sealed class BuildFolder : IDisposable
{
    private const string WorkName = ".build", LockName = "lock", KeyName = "key";
    private const string Another = "name another directory by --to, or empty this one";

    private readonly FileStream _lock;

    private BuildFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    public string Scan => Work("scan.json");

    public string Segments => Work("segments");

    public string Shards => Work("shards");

    /// <summary>Takes the folder for one build; makes it where it is not there.</summary>
    /// <exception cref="BadInputException">It cannot be written, holds something else, or another process builds in it.</exception>
    public static BuildFolder Take(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            var work = System.IO.Path.Combine(full, WorkName);
            if (File.Exists(full)) throw new BadInputException(path, "is a file, not a directory", "name a new directory by --to");
            if (IsForeign(full, work)) throw new BadInputException(path, "holds other files", Another);
            Directory.CreateDirectory(work);
            return new BuildFolder(full, new FileStream(System.IO.Path.Combine(work, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException failure) when (DiskFault.AsBadInput(failure) is null)
        {
            throw new BadInputException(
                path, $"cannot be built in: {FaultText.Of(failure)}", "correct the path, or wait for the build that runs there", failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new BadInputException(path, "cannot be written", "correct its permissions, or name another directory by --to", failure);
        }
    }

    /// <summary>Goes on with what an earlier start of the same build has left.</summary>
    /// <exception cref="BadInputException">What is there is of another build.</exception>
    public void GoOn(string key)
    {
        var known = Work(KeyName);
        if (!File.Exists(known) || File.ReadAllText(known) != key)
        {
            // A build that never came to converting, as with a sample that is too large, has nothing to lose.
            if (Directory.Exists(Segments) && Directory.EnumerateFiles(Segments, "*.segment").Any())
                throw new BadInputException(Path, "holds an unfinished build of another recipe, of other arguments or of other inputs", Another);
            File.Delete(Scan);
            AtomicFile.WriteAllText(known, key);
        }
        Directory.CreateDirectory(Segments);
        Directory.CreateDirectory(Shards);
        // The lock is ours: whatever a killed writer left belongs to nobody.
        foreach (var folder in new[] { Path, Segments, Shards })
            foreach (var part in Directory.EnumerateFiles(folder, $".*{AtomicFile.PartSuffix}", new EnumerationOptions { AttributesToSkip = 0 }))
                File.Delete(part);
    }

    /// <summary>The mixture is whole: what was needed on the way goes.</summary>
    public void Finish()
    {
        Dispose();
        Directory.Delete(Work(), recursive: true);
    }

    public void Dispose() => _lock.Dispose();

    private static bool IsForeign(string full, string work) => Directory.Exists(full) && !Directory.Exists(work)
        && !File.Exists(System.IO.Path.Combine(full, MixtureManifest.Name)) && Directory.EnumerateFileSystemEntries(full).Any();

    private string Work(params ReadOnlySpan<string> names) => System.IO.Path.Combine([Path, WorkName, .. names]);
}

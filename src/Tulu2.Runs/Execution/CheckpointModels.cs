using Tulu2.Checkpoints;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;
using Tulu2.Hub.Selection;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Execution;

/// <summary>
/// Models of checkpoints as folders that an evaluator can load, whatever layout wrote them. The folders belong to the host and are shared by its evaluators: the
/// first that needs one makes it. Each process keeps the two that it used last; what none uses is deleted.
/// </summary>
/// <param name="say">Takes what the user should know of making one.</param>
internal sealed class CheckpointModels(Action<string> say) : IDisposable
{
    private const string LockName = ".lock";
    private const int Kept = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    // Folders that this process uses, the last one last, and the lock that it shares with other users of each.
    private readonly List<(string Name, FileStream Lock, string Model)> _used = [];
    private readonly Lock _gate = new();
    private string? _next;

    /// <summary>The folder of all models on this host.</summary>
    private static string Root { get; } = Path.Combine(
        Environment.GetEnvironmentVariable(CheckpointEvaluators.FolderVariable) is { Length: > 0 } shared ? Path.Combine(shared, Environment.MachineName) : Path.GetTempPath(),
        $"tulu2-checkpoint-models-{Environment.UserName}");

    /// <summary>The folder of a model that <see cref="CheckpointName"/> names; of other names the name itself.</summary>
    /// <exception cref="BadInputException">There is no such checkpoint, or it cannot be read.</exception>
    public string Find(string name)
    {
        if (CheckpointName.ManifestOf(name) is not { } manifest) return name;
        lock (_gate)
        {
            var index = _used.FindIndex(used => used.Name == name);
            var found = index >= 0 ? _used[index] : Open(name, manifest);
            if (index >= 0) _used.RemoveAt(index);
            _used.Add(found);
            while (_used.Count > Kept)
            {
                _used[0].Lock.Dispose();
                _used.RemoveAt(0);
            }
            DeleteUnused(Kept);
            return found.Model;
        }
    }

    /// <summary>Makes the folder of a model on a thread of its own, if there is none.</summary>
    public void Prepare(string name)
    {
        if (CheckpointName.ManifestOf(name) is not { } manifest || Interlocked.Exchange(ref _next, name) == name) return;
        new Thread(() =>
        {
            try
            {
                Open(name, manifest).Lock.Dispose();
            }
            catch (Exception fault)
            {
                // Who needs it tries again, and reports what is wrong.
                say($"{name} is not prepared: {FaultText.Of(fault)}");
            }
        })
        {
            IsBackground = true,
            Name = "next model",
        }.Start();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var (_, held, _) in _used) held.Dispose();
            _used.Clear();
            DeleteUnused(0);
        }
    }

    private (string Name, FileStream Lock, string Model) Open(string name, string manifest)
    {
        if (!File.Exists(manifest)) throw new BadInputException(manifest, "does not exist", "score a checkpoint that is there");
        // The content: a step that was made again by a changed recipe has another.
        var folder = Path.Combine(Root, ContentHash.OfFile(manifest)[..32]);
        CreateFolder(folder);
        while (true)
        {
            // Whoever deletes or makes the folder holds the lock alone.
            if (TryLock(folder, FileShare.Read) is { } shared)
            {
                if (ModelIn(folder) is { } model)
                {
                    Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow);
                    return (name, shared, model);
                }
                shared.Dispose();
                using var alone = TryLock(folder, FileShare.None);
                if (alone is not null && ModelIn(folder) is null) Make(manifest, folder);
                continue;
            }
            Thread.Sleep(Pause);
            CreateFolder(folder);
        }
    }

    private void Make(string manifestPath, string folder)
    {
        // RUN/checkpoints/manifests/step-00000100.json
        var run = new RunDirectory(Path.Combine(Path.GetDirectoryName(manifestPath)!, "..", ".."));
        var store = new CheckpointStore(run.Checkpoints);
        var manifest = store.Read(manifestPath);
        var known = manifest.Recipe is { } text ? RunRecipe.Parse(manifestPath, text)
            : RunRecipe.Read(run, store, say) ?? throw new BadInputException(run.Recipe, "is lost", "resume the run once with its recipe, which writes it again");
        // The checkpoint has the weights, but of adapters not those beside them, which training has fetched.
        var loaded = RecipeReader.LoadText(manifestPath, known.Text);
        loaded = HubSources.FetchModelAsync(loaded, known.Commits, loaded.Recipe.Lora is null ? ModelFiles.WithoutWeights : ModelFiles.Whole, say, CancellationToken.None)
            .GetAwaiter().GetResult().Loaded;
        var model = ModelSource.Open(loaded);
        var to = Path.Combine(folder, "model");
        ModelExport.FromCheckpoint(store, manifest, model, loaded.Recipe, run, ModelExport.TypeOf(loaded.Recipe.Precision), to);
        var name = loaded.Recipe.Lora is null ? to : new ModelFolders(ModelExport.BaseOf(model, loaded.Recipe, run), to).Text;
        AtomicFile.WriteAllText(Path.Combine(folder, "name"), name);
    }

    // Written last.
    private static string? ModelIn(string folder) => Path.Combine(folder, "name") is var name && File.Exists(name) ? File.ReadAllText(name) : null;

    // For nobody else: it has the weights of models.
    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Null: somebody else has it, or has deleted the folder.</summary>
    private static FileStream? TryLock(string folder, FileShare share)
    {
        try
        {
            var file = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, share == FileShare.None ? FileAccess.ReadWrite : FileAccess.Read, share);
            // It may have been deleted between opening and locking.
            if (File.Exists(file.Name)) return file;
            file.Dispose();
            return null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    // What nobody uses. The newest may have been those of an evaluator that died, whose successor goes on with them.
    private static void DeleteUnused(int but)
    {
        if (!Directory.Exists(Root)) return;
        foreach (var folder in new DirectoryInfo(Root).EnumerateDirectories().OrderByDescending(folder => folder.LastWriteTimeUtc).Skip(but))
        {
            using var alone = TryLock(folder.FullName, FileShare.None);
            if (alone is null) continue;
            try
            {
                folder.Delete(recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The next one tries again.
            }
        }
    }
}

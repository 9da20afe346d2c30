using System.Runtime.ExceptionServices;
using Tulu2.Files;
using Tulu2.Mixtures.Inputs;
using Tulu2.Mixtures.Output;
using Tulu2.Mixtures.Recipes;
using Tulu2.Mixtures.Segments;

namespace Tulu2.Mixtures.Building;

/// <summary>
/// Builds a mixture: counts the inputs, draws what is taken, converts it to segments, decides, and writes shards and manifest. Each step leaves files that
/// are whole or absent, so that a build that was killed goes on from there and ends with the same bytes. Memory grows by some bytes a row, not with the
/// rows' texts.
/// </summary>
public sealed class MixtureBuilder
{
    // Changes whenever the same recipe and inputs would give other bytes.
    private const string Version = "mixture-1";

    private readonly MixtureRequest _request;
    private readonly MixtureRecipe _recipe;
    private readonly Action<BuildProgress> _report;

    /// <exception cref="BadInputException">The recipe cannot be used.</exception>
    public MixtureBuilder(MixtureRequest request, Action<BuildProgress>? report = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Threads, 1);
        (_request, _recipe, _report) = (request, MixtureReader.Load(request.Recipe, request.Arguments), report ?? (_ => { }));
    }

    /// <exception cref="BadInputException">An input, or the folder, cannot be used.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the next start goes on.</exception>
    public MixtureBuild Run(CancellationToken cancellation)
    {
        try
        {
            return Build(cancellation);
        }
        catch (AggregateException several) when (several.Flatten().InnerExceptions is { Count: > 0 } all)
        {
            // Of what went wrong on several threads at once the first is told.
            ExceptionDispatchInfo.Throw(all.FirstOrDefault(one => one is BadInputException) ?? all[0]);
            throw;
        }
    }

    private MixtureBuild Build(CancellationToken cancellation)
    {
        List<(SourceRecipe Source, string Path)> files =
            [.. _recipe.Sources.SelectMany(source => source.Entries.SelectMany(entry => entry.Paths.Select(path => (source, path))))];
        using var folder = BuildFolder.Take(_request.Folder);
        var hashes = InputScan.Hashes([.. files.Select(file => file.Path)], _request.Threads, cancellation);
        var key = ContentHash.OfParts([Version, _recipe.Canonical, .. _recipe.Sources.SelectMany(source => source.Conversion.ContentKeys), .. hashes]);
        if (MixtureManifest.KeyOf(folder.Path) is { } built) return AlreadyThere(folder, built, key);
        folder.GoOn(key);
        var scanned = Scan(folder, files, hashes, cancellation);
        var plans = SourcePlan.All(_recipe, scanned);
        using var store = new SegmentStore(folder.Segments);
        store.Check(plans.Count);
        new ConversionPhase(_recipe, plans, store, _report).Run(_request.Threads, cancellation);
        return Finish(folder, key, plans, store, cancellation);
    }

    private ScannedFile[] Scan(BuildFolder folder, List<(SourceRecipe Source, string Path)> files, string[] hashes, CancellationToken cancellation)
    {
        if (InputScan.TryRead(folder.Scan, hashes) is { } known) return [.. known.Zip(files, (file, now) => file with { Path = now.Path })];
        var scanned = InputScan.Count([.. files.Zip(hashes, (file, hash) => (file.Source, file.Path, hash))], _request.Threads,
            count => _report(new BuildProgress(BuildPhase.Reading, count, 0)), cancellation);
        InputScan.Write(folder.Scan, scanned);
        return scanned;
    }

    private MixtureBuild Finish(BuildFolder folder, string key, IReadOnlyList<SourcePlan> plans, SegmentStore store, CancellationToken cancellation)
    {
        var (decision, rejected, onlyParity) = Decide(folder, plans, store, cancellation);
        var rows = decision.Kept;
        if (rows.Count == 0)
            throw new BadInputException(_request.Recipe, "gives no row",
                $"see {Path.Combine(folder.Path, LeftOutFiles.RejectedName)} for why each record was left out");
        var shards = new ShardedOutput(folder.Path, folder.Shards, _recipe.Format).Write(rows.Count, _recipe.Shards, at => store.Line(rows[at]),
            _request.Threads, done => _report(new BuildProgress(BuildPhase.Writing, done, rows.Count)), cancellation);
        MixtureManifest.Write(folder.Path, key, _recipe, plans, decision.Counts, shards, rejected, onlyParity, Shown);
        folder.Finish();
        return new MixtureBuild(folder.Path, key, rows.Count, decision.Counts, shards, rejected.Entries, AlreadyThere: false);
    }

    private (Decision Decision, ListedFile Rejected, ListedFile OnlyParity) Decide(BuildFolder folder, IReadOnlyList<SourcePlan> plans, SegmentStore store,
        CancellationToken cancellation)
    {
        Decision? decision = null;
        LeftOutFiles? lists = null;
        var (rejected, onlyParity) = (Path.Combine(folder.Path, LeftOutFiles.RejectedName), Path.Combine(folder.Path, LeftOutFiles.OnlyParityName));
        AtomicFile.Write(rejected, first => AtomicFile.Write(onlyParity, second =>
        {
            lists = new LeftOutFiles(first, second, Shown);
            decision = new Decision(_recipe, plans, store, lists);
            decision.Run(cancellation);
        }));
        return (decision!, new ListedFile(LeftOutFiles.RejectedName, lists!.Rejected, ContentHash.OfFile(rejected)),
            new ListedFile(LeftOutFiles.OnlyParityName, lists.OnlyParityRows, ContentHash.OfFile(onlyParity)));
    }

    private MixtureBuild AlreadyThere(BuildFolder folder, string built, string key)
    {
        folder.Finish();
        return built == key ? new MixtureBuild(folder.Path, key, 0, [], [], 0, AlreadyThere: true)
            : throw new BadInputException(
                _request.Folder, "holds a mixture of another recipe, of other arguments or of other inputs", "name another directory by --to");
    }

    // Relative to where the recipe's inputs lie.
    private string Shown(string path) => Path.GetRelativePath(_recipe.Data, path);
}

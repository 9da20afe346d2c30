using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>The result of <c>plan</c>.</summary>
/// <param name="Chosen">The recipe's own layout, or the best for the given number of ranks; it fits.</param>
/// <param name="Others">The other layouts of the search, best first; empty for the recipe's own layout.</param>
/// <param name="Proposal">Why another layout than the recipe's own is proposed; null: none is.</param>
internal sealed record PlanResult(PlanRequest Request, PlannedLayout Chosen, IReadOnlyList<PlannedLayout> Others, string? Proposal = null)
{
    private const int BytesPerParameter = 12;

    /// <summary>Bytes of a checkpoint: fp32 parameters and both moments of what is trained.</summary>
    public long CheckpointBytes => BytesPerParameter * RunParameters.Of(Request.Recipe, Request.Config, 1).Trained.ParameterCount;

    public double CheckpointSeconds => CheckpointBytes / Request.Rates.DiskBandwidth;

    /// <summary>Time that the ranks wait for a snapshot: reading and writing their share of the state once.</summary>
    public double SnapshotSeconds => 2.0 * Chosen.Memory!.Snapshot / Request.Rates.HostBandwidth;

    /// <summary>Flags that turn the recipe into one with the chosen layout.</summary>
    public IEnumerable<string> Flags =>
        Chosen.Keys.Except(PlannedLayout.KeysOf(Request.Recipe.Parallel, Request.Recipe.Model.Recompute)).Select(key => $"{key.Key}={key.Value}");

    /// <summary>See <see cref="RecipeEffects"/>, as far as they are known without the data.</summary>
    public IReadOnlyList<string> MissingEffects => RecipeEffects.Missing(Request.Recipe, new RunCounts
    {
        Steps = Request.Recipe.Steps,
        Positions = Request.Config.MaxPositions,
        Layout = new ParallelLayout(Chosen.Data, Chosen.Tensor, Chosen.Pipeline, Chosen.Zero),
    });

    /// <param name="ranks">Null: the recipe's own layout.</param>
    /// <param name="isOpen">The recipe names no layout: if one rank is not enough, the fewest that are.</param>
    /// <exception cref="BadInputException">No layout fits: the reason, and a layout that would.</exception>
    public static PlanResult Of(PlanRequest request, int? ranks, bool isOpen = false)
    {
        var search = new LayoutSearch(request);
        if (ranks is { } asked)
        {
            if (asked < 1) throw new BadInputException($"--ranks {asked}", "is below 1", "use 1 or more");
            var all = search.All(asked);
            if (all.Count > 0 && all[0].Fits) return new PlanResult(request, all[0], [.. all.Skip(1)]);
            throw Refusal(request, search, asked, all);
        }
        var parallel = request.Recipe.Parallel;
        var own = search.Evaluate(request.VirtualShards, Math.Max(1, parallel.Data), parallel.Tensor, parallel.Pipeline, parallel.Zero, request.Recipe.Model.Recompute,
            parallel.SplitActivations);
        if (own.Fits) return new PlanResult(request, own, []);
        if (isOpen && search.FewestRanks(1) is { } fewest)
        {
            var all = search.All(fewest);
            return new PlanResult(request, all[0], [.. all.Skip(1)],
                $"the recipe names no layout and does not fit on {NumberText.Count(own.Ranks, "rank")} ({own.Reason}): proposed for {NumberText.Count(fewest, "rank")}, the fewest that fit, by doubling; "
                    + "--ranks chooses another number");
        }
        var fix = own.Proof.FirstOrDefault(line => !line.Holds)?.Fix is { } line ? line + "; " : "";
        throw new BadInputException($"parallel: {own}", own.Reason!, fix + Instead(request, search, own.Ranks));
    }

    private static BadInputException Refusal(PlanRequest request, LayoutSearch search, int ranks, IReadOnlyList<PlannedLayout> all)
    {
        var where = $"--ranks {ranks}";
        if (all.Count == 0)
            return new BadInputException(where, $"cannot be cut into at most {NumberText.Count(request.Slots, "replica")} (a slot for each), {NumberText.Count(request.Config.Layers, "stage")} (a layer for each) "
                + $"and tensor degrees up to {request.VirtualShards}", "use a power of two, or a smaller batch.slot, which makes more slots");
        return new BadInputException(where, $"no layout fits; the nearest, {all[0]}: {all[0].Reason}", Instead(request, search, ranks));
    }

    private static string Instead(PlanRequest request, LayoutSearch search, int ranks)
    {
        var best = search.All(ranks).FirstOrDefault(plan => plan.Fits);
        if (best is not null) return $"{best} fits on {NumberText.Count(ranks, "rank")}: {string.Join(' ', best.Keys.Select(key => $"{key.Key}={key.Value}"))}";
        for (var slot = request.Recipe.Batch.Slot / 2; slot >= 1; slot /= 2)
        {
            if (request.Recipe.Batch.Global % slot != 0) continue;
            var smaller = request with { Recipe = request.Recipe with { Batch = request.Recipe.Batch with { Slot = slot } } };
            if (new LayoutSearch(smaller).All(ranks).FirstOrDefault(plan => plan.Fits) is { } other) return $"with batch.slot: {slot} this fits: {other}";
        }
        var more = search.FewestRanks(2 * ranks) is { } fewest ? $"use {NumberText.Count(fewest, "rank")}, or " : "use ";
        return $"{more}ranks with more memory, or a smaller data.max_length{(request.Rates.Cuda ? "" : "; --device cuda plans GPUs")}";
    }
}

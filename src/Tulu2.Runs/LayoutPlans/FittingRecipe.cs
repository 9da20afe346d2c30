using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Placement;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>A recipe's nearest relative that fits into a machine: another layout, else a smaller slot, else bf16, else adapters, of as many ranks or fewer.</summary>
/// <param name="Keys">The keys that turn the recipe into it, <c>key=value</c>.</param>
internal sealed record FittingRecipe(PlannedLayout Plan, IReadOnlyList<string> Keys, long Bytes)
{
    // Only the order of layouts depends on them, by which the fastest that fits is proposed.
    private static readonly DeviceRates Processor = DeviceRates.Processor(0, 50e9);

    /// <param name="recipe">With the number of virtual shards that is in effect.</param>
    /// <param name="ranks">Ranks of the run.</param>
    /// <param name="segments">Rows of the segments of the largest slot; null: the largest possible one.</param>
    /// <param name="standby">The ranks of the run keep standby copies, where a layout lets them.</param>
    /// <param name="taken">What a run takes of the machine.</param>
    /// <param name="bytes">The machine's memory.</param>
    /// <returns>Null: nothing of all that fits.</returns>
    public static FittingRecipe? Find(
        Recipe recipe, ModelConfig config, int ranks, IReadOnlyList<int>? segments, bool standby, bool threads, Func<MemoryNeed, long> taken, long bytes)
    {
        foreach (var (keys, variant) in Variants(recipe with { Parallel = recipe.Parallel with { Standby = standby ? StandbyUse.On : StandbyUse.Off } }))
            for (var size = ranks; size >= 1; size /= 2)
                foreach (var plan in Plans(variant, config, size, Cut(segments, recipe, variant)))
                {
                    var needed = taken(RunMemory.Of(variant, plan, threads)!.Need);
                    if (needed > bytes) continue;
                    var changed = plan.Keys.Except(PlannedLayout.KeysOf(recipe.Parallel, recipe.Model.Recompute)).Select(key => $"{key.Key}={key.Value}");
                    return new FittingRecipe(plan, [.. changed, .. keys], needed);
                }
        return null;
    }

    public override string ToString() =>
        $"`{string.Join(' ', Keys)}` fits, with {Quantity.Bytes(Bytes)} ({NumberText.Count(Plan.Ranks, "rank")}: {Plan})";

    // The fastest first.
    private static IEnumerable<PlannedLayout> Plans(Recipe recipe, ModelConfig config, int ranks, IReadOnlyList<int>? segments)
    {
        var rates = recipe.Parallel.Device == ComputeDevice.Cuda ? DeviceRates.AssumedGpu(recipe.Precision) with { MemoryBytes = 0 } : Processor;
        var shards = ParameterMap.LargestVirtualShards(config, recipe.Parallel.VirtualShards);
        var request = new PlanRequest(config, recipe, shards, MayChangeShards: false, ranks, recipe.Data.MaxLength, rates) { Segments = segments };
        return new LayoutSearch(request).All(ranks).Where(plan => plan.Stages.Count > 0).OrderBy(plan => Math.Round(plan.Seconds!.Step, 6));
    }

    private static IEnumerable<(IReadOnlyList<string> Keys, Recipe Recipe)> Variants(Recipe recipe)
    {
        var (keys, variant) = (new List<string>(), recipe);
        yield return Take(null, variant);
        if (recipe.Parallel.Standby != StandbyUse.Off) yield return Take("parallel.standby=off", variant with { Parallel = variant.Parallel with { Standby = StandbyUse.Off } });
        for (var slot = recipe.Batch.Slot / 2; slot >= 1; slot /= 2)
            if (recipe.Batch.Global % slot == 0) yield return Take($"batch.slot={slot}", variant with { Batch = variant.Batch with { Slot = slot } });
        if (recipe.Precision == Precision.Fp32) yield return Take("precision=bf16", variant with { Precision = Precision.Bf16 });
        // Beside random weights adapters are of no use.
        if (recipe.Model.Path is null) yield break;
        if (recipe.Lora is null) yield return Take($"lora.rank={new LoraRecipe().Rank}", variant with { Lora = new LoraRecipe() });
        if (variant.Lora is { Quantize: Quantization.None } lora) yield return Take("lora.quantize=nf4", variant with { Lora = lora with { Quantize = Quantization.Nf4 } });

        (IReadOnlyList<string>, Recipe) Take(string? key, Recipe next)
        {
            // A smaller slot takes the place of a larger one.
            if (key is not null) keys.RemoveAll(known => known.Split('=')[0] == key.Split('=')[0]);
            if (key is not null) keys.Add(key);
            variant = next;
            return ([.. keys], variant);
        }
    }

    // A smaller slot has the first of the segments, longest first: at most what it will have.
    private static IReadOnlyList<int>? Cut(IReadOnlyList<int>? segments, Recipe recipe, Recipe variant) =>
        segments is null ? null : [.. segments.OrderDescending().Take(Math.Max(1, segments.Count * variant.Batch.Slot / recipe.Batch.Slot))];
}

using Tulu2.Cluster.Nodes;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Tulu2.Runs.Launch;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Refuses a run, or warns of it, that takes more memory than its machines have, before its first worker starts.</summary>
/// <param name="machine">This one.</param>
/// <param name="isForced">The user wants the run all the same: it is warned of.</param>
/// <param name="flag">The flag that forces it; null: there is none.</param>
internal sealed class MemoryCheck(RankHosting hosting, MachineMemory machine, bool isForced, string? flag, Action<string> say)
{
    private bool _hasWarned;

    /// <summary>Checks what does not depend on the data: rows of one token.</summary>
    /// <param name="recipe">With the number of virtual shards that is in effect.</param>
    /// <exception cref="BadInputException">The run cannot fit.</exception>
    public void BeforeData(Recipe recipe, ModelConfig config)
    {
        if (hosting is RankHosting.Nodes { Count: 0 } || !LayoutProof.Stages(config, recipe.Parallel.Pipeline).Holds) return;
        var layout = LayoutRules.Layout(recipe.Parallel, config, Math.Max(1, recipe.Batch.Global / Math.Max(1, recipe.Batch.Slot)), Environment.ProcessorCount,
            (key, what, fix) => new BadInputException(key, what, fix));
        Check(recipe, config, layout, [1], standby: recipe.Parallel.Standby == StandbyUse.On && layout.MayKeepCopies, proposed: null);
    }

    /// <exception cref="BadInputException">The run cannot fit.</exception>
    public void BeforeStart(PreparedRun run, bool standby)
    {
        if (hosting is RankHosting.Nodes { Count: 0 }) return;
        var segments = Segments(run);
        Check(run.Recipe, run.Model.Config, run.Parallel, segments, standby, segments);
    }

    /// <summary>The check for nodes that say what they have; null: the model cannot be cut so.</summary>
    public PlacedMemory? OnNodes(PreparedRun run, bool standby)
    {
        var segments = Segments(run);
        if (RunMemory.Of(run.Recipe, run.Model.Config, run.Parallel, segments, standby, threads: false) is not { } memory) return null;
        return new PlacedMemory(memory.Need, isForced, shortage =>
            Refusal(run.Recipe, run.Model.Config, memory, shortage, segments, standby, $"{string.Join(", ", shortage.Nodes)}", "another machine, or more of them with fewer tulu2.node.places"));
    }

    private void Check(Recipe recipe, ModelConfig config, ParallelLayout layout, IReadOnlyList<int> segments, bool standby, IReadOnlyList<int>? proposed)
    {
        var isThreads = hosting is RankHosting.Threads;
        if (_hasWarned || RunMemory.Of(recipe, config, layout, segments, standby, isThreads) is not { } memory) return;
        // Of nodes of this process only the number matters: all of them are here.
        var nodes = hosting is RankHosting.Nodes { Count: var count } ? Math.Min(count, layout.Size) : 1;
        var rooms = Enumerable.Range(0, nodes).Select(node => new NodeRoom("this machine", machine, [.. Rank.All(layout.Size).Where(rank => rank % nodes == node)]));
        if (memory.Need.Shortage(rooms) is not { } shortage) return;
        var refusal = Refusal(recipe, config, memory, shortage, proposed, standby, "this machine", "a machine with more memory, or several (docs/processes.md)");
        if (!isForced) throw refusal;
        _hasWarned = true;
        say($"warning: {refusal.Where}: {refusal.What}");
    }

    private BadInputException Refusal(
        Recipe recipe, ModelConfig config, RunMemory memory, MemoryShortage shortage, IReadOnlyList<int>? proposed, bool standby, string where, string instead)
    {
        var (kind, bytes) = memory.Largest(shortage.Ranks);
        var fitting = FittingRecipe.Find(recipe, config, memory.Layout.Size, proposed, standby, memory.Threads,
            need => need.Most(Math.Min(shortage.Ranks.Length, need.OfRanks.Length), shortage.Nodes.Length), shortage.Bytes);
        var fix = fitting is not null ? $"{fitting}" : $"no layout, slot, precision or adapter makes it fit: use a smaller data.max_length or model, or {instead}";
        return new BadInputException($"memory of {where}",
            $"{NumberText.Count(shortage.Ranks.Length, "rank")} of {memory.Plan} need at least {Quantity.Bytes(shortage.Needed)} there, and it has {Quantity.Bytes(shortage.Bytes)}; "
                + $"the largest part is {kind}, {Quantity.Bytes(bytes)}",
            flag is null ? fix : $"{fix}; {flag} starts it all the same");
    }

    private static IReadOnlyList<int> Segments(PreparedRun run)
    {
        var (step, slot) = run.Batches.LargestSlot();
        return run.Batches.Read(step, slot).SegmentLengths;
    }
}

using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>
/// What the ranks of a run take of their machines' memory, at least: of the plan's kinds those that are certain, and of its largest slot that of the data. A run that
/// needs more than there is by this count cannot succeed. Evaluators, and with GPUs the memory of these, are not counted.
/// </summary>
/// <param name="Threads">The ranks are threads of one process.</param>
internal sealed record RunMemory(PlannedLayout Plan, ParallelLayout Layout, int Spares, bool Threads)
{
    // Resident memory of a worker before it has a tensor, rounded down: its own (87 MB were measured), and what it shares with others (118 MB).
    private const long OfWorker = 80L << 20, OfProgram = 110L << 20;
    private const string ProgramKind = "runtime";

    /// <param name="segments">Rows of the segments of the largest slot; null: the largest possible one.</param>
    /// <param name="standby">Ranks keep standby copies.</param>
    /// <returns>Null: the model cannot be cut so.</returns>
    public static RunMemory? Of(Recipe recipe, ModelConfig config, ParallelLayout layout, IReadOnlyList<int>? segments, bool standby, bool threads)
    {
        var decided = recipe with { Parallel = recipe.Parallel with { Standby = standby ? StandbyUse.On : StandbyUse.Off } };
        return Of(recipe, RunShape.Layout(decided, config, layout, segments), threads);
    }

    /// <returns>Null: the model cannot be cut so.</returns>
    public static RunMemory? Of(Recipe recipe, PlannedLayout plan, bool threads) => plan.Stages.Count == 0 ? null
        : new RunMemory(plan, new ParallelLayout(plan.Data, plan.Tensor, plan.Pipeline, plan.Zero), recipe.Parallel.Spares, threads);

    public MemoryNeed Need => new([.. Rank.All(Layout.Size).Select(rank => KindsOf(rank).Sum(use => use.Bytes))],
        OfNode: Threads ? 0 : Spares * OfWorker, OfMachine: Threads ? OfProgram + OfWorker : OfProgram);

    /// <summary>The kind that most of the ranks' memory is for.</summary>
    public (string Kind, long Bytes) Largest(IEnumerable<Rank> ranks) =>
        ranks.SelectMany(KindsOf).GroupBy(use => use.Kind, use => use.Bytes).Select(kind => (kind.Key, kind.Sum())).MaxBy(kind => kind.Item2);

    private IEnumerable<(string Kind, long Bytes)> KindsOf(Rank rank) =>
        Plan.Stages[Layout.CoordinatesOf(rank).Pipeline].OfMachine.Select(use => (use.Kind, use.Bytes)).Append((ProgramKind, Threads ? 0 : OfWorker));
}

using Tulu2.Runs.Launch;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Whether a run keeps standby copies, where its recipe leaves it open.</summary>
/// <param name="Line">What the user should know of it; null: nothing.</param>
internal sealed record StandbyChoice(bool Keeps, string? Line)
{
    // What the copies may leave of this machine's memory to others.
    private const double Share = 0.9;

    /// <param name="memory">Bytes of this machine's memory.</param>
    public static StandbyChoice Of(PreparedRun run, RankHosting hosting, long memory)
    {
        if (!StandbyCopies.May(run.Recipe.Parallel, run.Parallel)) return new StandbyChoice(false, null);
        // The memory of other machines is not known here. Nodes that this process starts are on this machine.
        if (run.Recipe.Parallel.Standby == StandbyUse.On || hosting is RankHosting.Nodes { Count: 0 }) return new StandbyChoice(true, null);
        var plan = RunShape.Layout(run.Recipe, run.Model.Config, run.Parallel);
        var needed = run.Parallel.Size * (plan.HostBytes > 0 ? plan.HostBytes : plan.DeviceBytes);
        return needed <= Share * memory
            ? new StandbyChoice(true, null)
            : new StandbyChoice(false, $"no standby copies: with them the ranks would need {Quantity.Bytes(needed)}, and this machine has {Quantity.Bytes(memory)}; "
                + "a rank that is lost takes the run back to its newest checkpoint (parallel.standby: on keeps them all the same)");
    }
}

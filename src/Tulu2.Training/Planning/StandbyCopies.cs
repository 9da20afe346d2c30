using Tulu2.Collectives.Layout;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>Whether the ranks of a layout keep standby copies of one another's state (docs/protocol.md).</summary>
public static class StandbyCopies
{
    /// <summary>They do, or with <c>parallel.standby: auto</c> would if there is memory for them.</summary>
    public static bool May(ParallelRecipe parallel, ParallelLayout layout) => parallel.Standby != StandbyUse.Off && layout.MayKeepCopies;
}

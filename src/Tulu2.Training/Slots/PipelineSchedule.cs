namespace Tulu2.Training.Slots;

/// <summary>One piece of work of a stage.</summary>
/// <param name="Index">Which of the rank's slots, in their order.</param>
internal readonly record struct PipelineAction(bool IsForward, int Index);

/// <summary>
/// The order in which a stage of a pipeline does its slots: one forward, one backward in turn (1F1B; Narayanan et al., arXiv 2006.09503), after as many
/// forward passes as there are stages behind it. So at most stages - stage slots are in flight at a stage, the backward pass of a slot begins as soon as
/// it can, and every stage is busy but for the ramps at both ends. Pure: all ranks of a replica come to orders that fit each other.
/// </summary>
internal static class PipelineSchedule
{
    /// <param name="stage">From 0.</param>
    /// <returns>Each slot's forward pass once and, later, its backward pass once; both in slot order.</returns>
    public static IEnumerable<PipelineAction> Of(int stage, int stages, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stage);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stage, stages);
        var ahead = Math.Min(stages - 1 - stage, slots);
        for (var slot = 0; slot < ahead; slot++) yield return new PipelineAction(true, slot);
        for (var slot = 0; slot < slots; slot++)
        {
            if (slot + ahead < slots) yield return new PipelineAction(true, slot + ahead);
            yield return new PipelineAction(false, slot);
        }
    }
}

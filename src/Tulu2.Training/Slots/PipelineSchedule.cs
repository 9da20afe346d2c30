namespace Tulu2.Training.Slots;

/// <summary>One forward or backward pass of a stage.</summary>
/// <param name="Index">Index of the slot among the rank's slots.</param>
internal readonly record struct PipelineAction(bool IsForward, int Index);

/// <summary>
/// The order of a pipeline stage's passes: one forward, one backward (1F1B; Narayanan et al., arXiv 2006.09503), after as many forward passes as there are
/// later stages. Thus at most stages - stage slots are in flight on a stage, the backward pass of a slot starts as early as possible, and stages are idle only
/// while the pipeline fills and drains. Pure, so that all ranks of a replica derive matching orders.
/// </summary>
internal static class PipelineSchedule
{
    /// <param name="stage">Index of the stage, from 0.</param>
    /// <returns>Each slot's forward pass and, later, its backward pass; both in slot order.</returns>
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

namespace Tulu2.Training.Objectives;

/// <summary>How much likelier policy than reference finds mismatched answers (<see cref="Data.Slots.SlotBatch.Divergence"/>).</summary>
internal static class Divergences
{
    /// <summary>The mean over a step, added in the order of its slots and their rows.</summary>
    /// <param name="logRatios">[slots][rows]</param>
    public static double Mean(IEnumerable<double[]> logRatios)
    {
        var (sum, count) = (new CompensatedSum(), 0);
        foreach (var slot in logRatios)
            foreach (var ratio in slot)
            {
                sum.Add(ratio);
                count++;
            }
        return sum.DividedBy(count);
    }
}

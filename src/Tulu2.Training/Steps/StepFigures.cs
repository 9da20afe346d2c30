using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Steps;

/// <summary>What a step is measured by, for the check that all of it is finite.</summary>
internal static class StepFigures
{
    public static IEnumerable<(string Name, double Value)> Of(double loss, double norm, PreferenceMetrics? preference)
    {
        yield return ("loss", loss);
        yield return ("gradient norm", norm);
        if (preference is null) yield break;
        yield return ("log-probability of chosen answers", preference.LogpsChosen);
        yield return ("log-probability of rejected answers", preference.LogpsRejected);
        yield return ("reward of chosen answers", preference.RewardsChosen);
        yield return ("reward of rejected answers", preference.RewardsRejected);
        yield return ("margin of rewards", preference.RewardsMargin);
    }

    /// <summary>Words for the first slot with a figure that is not finite; empty where each slot's are.</summary>
    public static string FirstSlot(IReadOnlyList<double[]> figures)
    {
        for (var slot = 0; slot < figures.Count; slot++)
            if (!Array.TrueForAll(figures[slot], double.IsFinite)) return $" (first in slot {slot})";
        return "";
    }
}

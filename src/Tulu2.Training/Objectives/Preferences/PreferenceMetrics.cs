namespace Tulu2.Training.Objectives.Preferences;

/// <summary>The metrics of preference losses: means over the step's pairs (docs/reference/tulu2.md, metrics of DPO).</summary>
internal static class PreferenceMetrics
{
    private static readonly MetricChart Rewards = new("rewards", "Rewards");
    private static readonly MetricChart Accuracy = new("accuracy", "Reward accuracy (share of pairs)", FromZero: true);
    private static readonly MetricChart LogProbabilities = new("logps", "Log-probability of the answers");

    public static MetricDescriptor RewardsChosen { get; } = new("rewards_chosen", "reward of chosen answers", Rewards, "chosen", IsDerived: true);
    public static MetricDescriptor RewardsRejected { get; } = new("rewards_rejected", "reward of rejected answers", Rewards, "rejected", IsDerived: true);
    public static MetricDescriptor RewardsMargin { get; } = new("rewards_margin", "margin of rewards", Rewards, "margin", IsDerived: true) { HigherIsBetter = true };

    /// <summary>Share of the pairs whose chosen answer has the strictly greater reward.</summary>
    public static MetricDescriptor RewardsAccuracy { get; } = new("rewards_accuracy", "accuracy of rewards", Accuracy, "accuracy", IsDerived: true) { HigherIsBetter = true };

    public static MetricDescriptor LogpsChosen { get; } = new("logps_chosen", "log-probability of chosen answers", LogProbabilities, "chosen");
    public static MetricDescriptor LogpsRejected { get; } = new("logps_rejected", "log-probability of rejected answers", LogProbabilities, "rejected");

    public static IReadOnlyList<MetricDescriptor> All { get; } = [RewardsChosen, RewardsRejected, RewardsMargin, RewardsAccuracy, LogpsChosen, LogpsRejected];
}

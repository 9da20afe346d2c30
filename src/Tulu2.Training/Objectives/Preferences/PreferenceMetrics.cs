namespace Tulu2.Training.Objectives.Preferences;

/// <summary>The metrics of preference losses: means over the step's pairs (docs/reference/tulu2.md, metrics of DPO).</summary>
internal static class PreferenceMetrics
{
    internal static readonly MetricChart Rewards = new("rewards", "Rewards");
    private static readonly MetricChart Accuracy = new("accuracy", "Reward accuracy (share of pairs)", FromZero: true);
    internal static readonly MetricChart LogProbabilities = new("logps", "Log-probability of the answers");
    private static readonly MetricChart Lengths = new("lengths", "Length of the answers (scored tokens)", FromZero: true);

    public static MetricDescriptor RewardsChosen { get; } = new("rewards_chosen", "reward of chosen answers", Rewards, "chosen", IsDerived: true);
    public static MetricDescriptor RewardsRejected { get; } = new("rewards_rejected", "reward of rejected answers", Rewards, "rejected", IsDerived: true);
    public static MetricDescriptor RewardsMargin { get; } = new("rewards_margin", "margin of rewards", Rewards, "margin", IsDerived: true) { HigherIsBetter = true };

    /// <summary>Share of the pairs whose chosen answer has the strictly greater reward.</summary>
    public static MetricDescriptor RewardsAccuracy { get; } = new("rewards_accuracy", "accuracy of rewards", Accuracy, "accuracy", IsDerived: true) { HigherIsBetter = true };

    public static MetricDescriptor LogpsChosen { get; } = new("logps_chosen", "log-probability of chosen answers", LogProbabilities, "chosen");
    public static MetricDescriptor LogpsRejected { get; } = new("logps_rejected", "log-probability of rejected answers", LogProbabilities, "rejected");

    /// <summary>Scored tokens of an answer. They show whether the lengths of the two sides differ, which a loss of sums can learn in place of what is preferred.</summary>
    public static MetricDescriptor LengthChosen { get; } = new("length_chosen", "length of chosen answers", Lengths, "chosen");
    public static MetricDescriptor LengthRejected { get; } = new("length_rejected", "length of rejected answers", Lengths, "rejected");

    public static IReadOnlyList<MetricDescriptor> All { get; } =
        [RewardsChosen, RewardsRejected, RewardsMargin, RewardsAccuracy, LogpsChosen, LogpsRejected, LengthChosen, LengthRejected];
}

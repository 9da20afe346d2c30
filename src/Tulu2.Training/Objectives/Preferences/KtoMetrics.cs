namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// The metrics of KTO: means over the step's desirable rows, and over its undesirable ones. A step without rows of one kind has no means of that kind, and no margin.
/// </summary>
internal static class KtoMetrics
{
    private static readonly MetricChart Divergence = new("kl", "Estimate of the KL divergence from the reference (nats)");
    private static readonly MetricChart Rows = new("labels", "Rows of a step by label", FromZero: true);

    /// <summary>The mean over the step's mismatched answers, which the loss uses from 0 on.</summary>
    public static MetricDescriptor Kl { get; } = new("kl", "estimate of the KL divergence", Divergence, "before it is cut at 0");

    public static MetricDescriptor RewardsDesirable { get; } = new("rewards_desirable", "reward of desirable answers", PreferenceMetrics.Rewards, "desirable", IsDerived: true);
    public static MetricDescriptor RewardsUndesirable { get; } = new("rewards_undesirable", "reward of undesirable answers", PreferenceMetrics.Rewards, "undesirable", IsDerived: true);

    public static MetricDescriptor LogpsDesirable { get; } = new("logps_desirable", "log-probability of desirable answers", PreferenceMetrics.LogProbabilities, "desirable");
    public static MetricDescriptor LogpsUndesirable { get; } =
        new("logps_undesirable", "log-probability of undesirable answers", PreferenceMetrics.LogProbabilities, "undesirable");

    public static MetricDescriptor CountDesirable { get; } = new("count_desirable", "number of desirable answers", Rows, "desirable");
    public static MetricDescriptor CountUndesirable { get; } = new("count_undesirable", "number of undesirable answers", Rows, "undesirable");

    public static IReadOnlyList<MetricDescriptor> All { get; } =
        [Kl, RewardsDesirable, RewardsUndesirable, PreferenceMetrics.RewardsMargin, LogpsDesirable, LogpsUndesirable, CountDesirable, CountUndesirable];
}

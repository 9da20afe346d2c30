namespace Tulu2.Data.Slots;

/// <summary>Some of the items, and how many of them an epoch passes.</summary>
/// <param name="First">First item (row or pair).</param>
/// <param name="Count">Number of items, at least 1.</param>
/// <param name="PerEpoch">
/// Items an epoch passes, at least 1: each as often as they go round whole, and a part of them once more, another part in the next epoch.
/// </param>
public readonly record struct EpochShare(int First, int Count, int PerEpoch)
{
    /// <summary>Every item <paramref name="weight"/> times an epoch; rounded to whole items, and at least one.</summary>
    public static EpochShare Weighted(int first, int count, double weight) =>
        new(first, count, (int)Math.Clamp(Math.Round(weight * count, MidpointRounding.AwayFromZero), 1, int.MaxValue));
}

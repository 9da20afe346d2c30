namespace Tulu2.Data.Slots;

/// <summary>The settings of a recipe that decide the order and the shape of its batches.</summary>
/// <param name="Global">Rows (or pairs) per step.</param>
/// <param name="Slot">Rows (or pairs) per slot; divides <paramref name="Global"/>.</param>
/// <param name="Packing">True: segments keep their own lengths. False: a step's rows are ordered by length and each slot is padded to its longest.</param>
/// <param name="Shuffle">False: rows in file order, the same in every epoch.</param>
/// <param name="Seed">Seed of the order.</param>
/// <param name="Preferences">True: each item is a pair of sequences, 2k chosen and 2k + 1 rejected.</param>
/// <param name="Epochs">Passes over the data, fractions allowed. Exactly one of epochs and steps is given.</param>
/// <param name="Steps">Steps of the run.</param>
public sealed record BatchSettings(
    int Global,
    int Slot,
    bool Packing = true,
    bool Shuffle = true,
    int Seed = 42,
    bool Preferences = false,
    double? Epochs = null,
    int? Steps = null)
{
    /// <summary>What an epoch passes; empty: every item once.</summary>
    public IReadOnlyList<EpochShare> Shares { get; init; } = [];

    /// <summary>As in <see cref="SlotForm"/>.</summary>
    public SharingRule? Shared { get; init; }

    /// <summary>
    /// With <see cref="Preferences"/>: the second sequence of each pair is a mismatched one (<see cref="MismatchedTokens"/>), which is only scored. The items are rows then,
    /// a slot has the rows' own sequences, and the mismatched ones are a batch beside it (<see cref="SlotBatch.Mismatched"/>).
    /// </summary>
    public bool Mismatched { get; init; }

    internal SlotForm Form => new(Preferences, Packing, Shared);
}
